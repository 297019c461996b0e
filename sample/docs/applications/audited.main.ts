import { NestFactory } from '@nestjs/core';
import { getStreamsToken, RedisStreamsTransport } from 'nestjs-redis-streams';
import { AuditedModule } from './audited.module.js';

const app = await NestFactory.create(AuditedModule);
for (const name of ['default', 'audit']) {
  const strategy = app.get<RedisStreamsTransport>(
    getStreamsToken(name, RedisStreamsTransport),
  );
  app.connectMicroservice({ strategy }, { inheritAppConfig: true });
}
app.enableShutdownHooks();
await app.startAllMicroservices();
await app.listen(process.env.PORT ?? 3000);
