import { NestFactory } from '@nestjs/core';
import { getStreamsToken, StreamsTransport } from 'nestjs-redis-streams';
import { SeveralModule } from './several.module.js';

const app = await NestFactory.create(SeveralModule);
for (const name of ['order-processor', 'payment-processor']) {
  const strategy = app.get<StreamsTransport>(
    getStreamsToken(name, StreamsTransport),
  );
  app.connectMicroservice({ strategy }, { inheritAppConfig: true });
}
app.enableShutdownHooks();
await app.startAllMicroservices();
