import { NestFactory } from '@nestjs/core';
import { StreamsTransport } from 'nestjs-redis-streams/core';
import { AppModule } from './app.module.js';

export async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.connectMicroservice(
    { strategy: app.get(StreamsTransport) },
    { inheritAppConfig: true },
  );
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.listen(process.env.PORT ?? 3000);
  return app;
}
