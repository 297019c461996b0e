/**
 * A microservice on the built library that serves its health on a port of its own. argv[2] is the JSON
 * of `{ url, hooks }`. A message `{ block }` keeps the event loop busy for so many milliseconds, one
 * with `{ work }` takes as long without that.
 */
import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { RedisStreamsModule, RedisStreamsTransport, StreamHandler } from '../../../dist/index.js';
import { StreamsHealthModule } from '../../../dist/health.js';

const { url, hooks } = JSON.parse(process.argv[2]);
const tell = (message) => process.send?.(message);

class Orders {
  async run({ block = 0, work = 0 }) {
    tell({ running: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, block);
    if (work > 0) await pause(work);
  }
}
StreamHandler('orders')(
  Orders.prototype,
  'run',
  Object.getOwnPropertyDescriptor(Orders.prototype, 'run'),
);
Payload()(Orders.prototype, 'run', 0);
Controller()(Orders);

class AppModule {}
Module({
  imports: [
    RedisStreamsModule.forRoot({ url, group: 'billing', blockTimeout: 1000 }),
    StreamsHealthModule.forRoot({ port: 0, host: '127.0.0.1', readerDeadline: 3000 }),
  ],
  controllers: [Orders],
})(AppModule);

const app = await NestFactory.createMicroservice(AppModule, {
  inject: [RedisStreamsTransport],
  useFactory: (strategy) => ({ strategy }),
  logger: false,
});
if (hooks) app.enableShutdownHooks();
await app.listen();
tell({ port: app.get(StreamsHealthModule).port });
