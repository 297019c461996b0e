import { NestFactory } from '@nestjs/core';
import { RedisStreamsTransport } from 'nestjs-redis-streams';
import { BareModule } from './bare.module.js';

const app = await NestFactory.createMicroservice(BareModule, {
  strategy: new RedisStreamsTransport({
    url: process.env.REDIS_URL ?? 'redis://localhost:6379',
    group: 'shop',
  }),
});
app.enableShutdownHooks();
await app.listen();
