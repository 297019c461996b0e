/**
 * A worker process with the relay of an outbox, and nothing to consume: a Nest application on the built
 * library. argv[2] is the JSON of WorkerOptions, see worker-process.ts.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisStreamsModule } from '../../../dist/index.js';
import { OutboxModule } from '../../../dist/postgres.js';

const { redis, postgres } = JSON.parse(process.argv[2]);

class App {}
Module({
  imports: [
    RedisStreamsModule.forRoot(redis),
    OutboxModule.forRoot({ ...postgres, relayInterval: 50, leaseDuration: 1500, batchSize: 50 }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: false });
process.on('message', (request) => {
  if (request === 'close') void app.close().then(() => process.disconnect());
});
process.send?.({ name: 'ready', event: {} });
