/**
 * A Nest application on the built library, whose three slots are the file driver. argv[2] is the JSON of
 * FileWorkerOptions, see file-positions.test.ts. It writes the number of each message to the ledger when
 * its run begins, and to the file `position` what is committed when it kills itself.
 */
import 'reflect-metadata';
import { appendFileSync, writeFileSync } from 'node:fs';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  ConsumerStates,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from '../../../dist/index.js';

const { driver, config, ledger, position, commits, ...options } = JSON.parse(process.argv[2]);
const { publish = 0, commitAt = [], dieAt, endAt } = options;
const { file } = await import(driver);

let ended;
const end = new Promise((resolve) => (ended = resolve));

/** Dies once the commits of the runs before are recorded. */
async function die() {
  const committed = commitAt.filter((n) => n < dieAt).at(-1) ?? 0;
  for (;;) {
    const { offset = '0' } = (await app.get(ConsumerStates).get('order')) ?? {};
    writeFileSync(position, offset);
    if (Number(offset) >= committed) process.kill(process.pid, 'SIGKILL');
    await new Promise((resolve) => setImmediate(resolve));
  }
}

class Orders {
  async collect({ n }, context) {
    appendFileSync(ledger, `${n}\n`);
    if (n === dieAt) await die();
    if (commitAt.includes(n)) context.commit();
    if (n === endAt) ended();
  }
}
StreamHandler('order', { concurrency: 1 })(
  Orders.prototype,
  'collect',
  Object.getOwnPropertyDescriptor(Orders.prototype, 'collect'),
);
Payload()(Orders.prototype, 'collect', 0);
Ctx()(Orders.prototype, 'collect', 1);
Controller()(Orders);

class App {}
const slot = { driver: 'file', config };
Module({
  imports: [
    StreamsModule.forRoot({
      group: 'billing',
      commits,
      drivers: { file },
      slots: { messageSource: slot, stateStore: slot, deadLetterQueue: slot },
    }),
  ],
  controllers: [Orders],
})(App);

const app = await NestFactory.create(App, { logger: false });
const publisher = app.get(StreamPublisher);
for (let n = 1; n <= publish; n++) await publisher.publish('order', { n });
app.connectMicroservice({ strategy: app.get(StreamsTransport) });
await app.startAllMicroservices();
await end;
await app.close();
