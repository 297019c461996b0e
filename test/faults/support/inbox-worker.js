/**
 * A worker process whose handler writes to PostgreSQL through an inbox: a Nest application on the built
 * library. argv[2] is the JSON of WorkerOptions, see worker-process.ts.
 */
import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { RedisStreamsModule, RedisStreamsTransport, StreamHandler } from '../../../dist/index.js';
import { PostgresInbox } from '../../../dist/postgres.js';

const {
  streams,
  work,
  redis,
  handler,
  postgres,
  ledger: _,
  script: __,
  ...options
} = JSON.parse(process.argv[2]);

class Accounts {
  /** Adds to an account, in the transaction of the inbox. Some runs fail after they have written. */
  async add({ account, amount }, context) {
    const client = context.transaction();
    await client.query('update account set balance = balance + $1 where name = $2', [
      amount,
      account,
    ]);
    await pause(work * Math.random());
    if (Math.random() < 0.02) throw new Error('asked to fail');
  }
}
// What a compiler makes of decorators, in their order.
const method = Object.getOwnPropertyDescriptor(Accounts.prototype, 'add');
Payload()(Accounts.prototype, 'add', 0);
Ctx()(Accounts.prototype, 'add', 1);
StreamHandler({ ...handler, streams })(Accounts.prototype, 'add', method);
Object.defineProperty(Accounts.prototype, 'add', method);
Controller()(Accounts);

class App {}
Module({
  imports: [
    RedisStreamsModule.forRoot({
      ...redis,
      ...options,
      inbox: new PostgresInbox({ ...postgres, maxConnections: 12 }),
    }),
  ],
  controllers: [Accounts],
})(App);

const app = await NestFactory.createMicroservice(App, {
  inject: [RedisStreamsTransport],
  useFactory: (strategy) => ({ strategy }),
  logger: false,
});
await app.listen();
process.send?.({ name: 'ready', event: {} });
