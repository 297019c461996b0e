/**
 * A worker process on Kafka whose handler answers each message with the next one, in another stream.
 * argv[2] is JSON of its options, see worker-process.ts. With `stops` it stops itself at that place of its
 * transaction with this number, by this signal.
 */
import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import { next, StreamHandler, StreamsModule, StreamsTransport } from '../../../dist/index.js';
import { KafkajsTransaction } from '../../../dist/drivers/kafka/connection/kafkajs/producing/kafkajs-transaction.js';
import { kafka as kafkaDriver } from '../../../dist/kafka.js';

const { streams, work, ledger, kafka, handler, stops, script, ...options } = JSON.parse(
  process.argv[2],
);
const file = openSync(ledger, 'a');

/** @param {string} what @param {{ stream: string, id: string, attempt?: number }} entry */
const note = (what, { stream, id, attempt }) =>
  writeSync(file, `${what} ${Date.now()} ${stream} ${id} ${attempt}\n`);

/** @param {string} name @param {object} event */
function tell(name, event) {
  const error = event.error && { message: event.error.message, code: event.error.code };
  process.send?.({ name, event: { ...event, ...(error && { error }) } }, () => undefined);
}

const [from, to] = streams;

class Worker {
  async handle({ n, kills, fails = 0, after = 0 }, context) {
    note('started', context);
    if (kills) process.kill(process.pid, 'SIGKILL');
    await pause(work * (0.5 + Math.random()));
    if (context.attempt <= fails) throw new Error('asked to fail');
    note('handled', context);
    return next({ stream: to, event: 'made' }, { n }, after > 0 ? { delay: after } : {});
  }
}
const method = Object.getOwnPropertyDescriptor(Worker.prototype, 'handle');
Payload()(Worker.prototype, 'handle', 0);
Ctx()(Worker.prototype, 'handle', 1);
StreamHandler('order', { ...handler, streams: [from] })(Worker.prototype, 'handle', method);
Object.defineProperty(Worker.prototype, 'handle', method);
Controller()(Worker);

/** Everything of a transaction has been sent before `commit` is called. */
function stopAt({ transaction, when, signal }) {
  const { commit } = KafkajsTransaction.prototype;
  let count = 0;
  const stop = () => {
    note('stopped', { stream: from, id: `${count}` });
    process.kill(process.pid, signal);
  };
  KafkajsTransaction.prototype.commit = async function () {
    const isIt = ++count === transaction;
    if (isIt && when === 'before commit') stop();
    await commit.call(this);
    if (isIt && when === 'after commit') stop();
  };
}
if (stops) stopAt(stops);

const driver = kafkaDriver(kafka);
class App {}
Module({
  imports: [
    StreamsModule.forRoot({
      slots: { messageSource: driver, deadLetterQueue: driver },
      ...options,
    }),
  ],
  controllers: [Worker],
})(App);

const app = await NestFactory.createMicroservice(App, {
  inject: [StreamsTransport],
  useFactory: (strategy) => ({ strategy }),
  logger: false,
});
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
for (const name of ['worker-error', 'partitions-assigned', 'partitions-revoked'])
  app.on(name, (event) => tell(name, event));
app.on('settled', (event) => note(`settled-${event.outcome}`, event));
await app.listen();
tell('ready', {});
