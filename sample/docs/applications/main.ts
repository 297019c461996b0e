import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { RedisStreamsTransport } from 'nestjs-redis-streams';
import { AppModule } from './app.module.js';

const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
  AppModule,
  {
    inject: [RedisStreamsTransport],
    useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
  },
);
app.enableShutdownHooks();
await app.listen();
