import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  LoadBalancerModule,
  RedisStreamsModule,
  RedisStreamsTransport,
} from 'nestjs-redis-streams';
import { Owners, SessionsController } from './sessions.controller.js';
import { tell } from './telling.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env['REDIS_URL'] ?? 'redis://localhost:6379',
      keyPrefix: process.env['STREAMS_KEY_PREFIX'] ?? '',
      group: 'sessions',
    }),
    // The name of this consumer comes from POD_NAME.
    LoadBalancerModule.forRoot({
      service: 'sessions',
      scanInterval: 500,
      retry: { maxRetries: -1 },
    }),
  ],
  controllers: [SessionsController],
  providers: [Owners],
})
class WorkerModule {}

const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(WorkerModule, {
  inject: [RedisStreamsTransport],
  useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
  logger: ['fatal'],
});
// At a SIGTERM it finishes the events in hand, and gives its sessions back.
app.enableShutdownHooks();
await app.listen();
tell({ kind: 'ready' });
