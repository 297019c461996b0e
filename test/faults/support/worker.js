/**
 * A worker process: a Nest application on the built library. argv[2] is the JSON of WorkerOptions,
 * see worker-process.ts. It tells its parent of the library's events, and notes in its ledger what
 * becomes of each message, at once and outside of the server, so that it is known after a SIGKILL too.
 */
import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamsModule,
  StreamsTransport,
  UnrecoverableError,
} from '../../../dist/index.js';
import { kafka as kafkaDriver } from '../../../dist/kafka.js';
import { nats as natsDriver } from '../../../dist/nats.js';
import { postgres as postgresDriver } from '../../../dist/postgres.js';

const TOLD = [
  'reclaimed',
  'adopted',
  'trimmed',
  'group-recreated',
  'data-loss-suspected',
  'disconnected',
  'connected',
  'stream-unreadable',
  'stream-acquired',
  'stream-lost',
  'partitions-assigned',
  'partitions-revoked',
  'worker-error',
];

/** Runs from this on note it when their signal aborts, ms. */
const LONG = 1000;

const { streams, work, ledger, redis, postgres, nats, kafka, handler, ...options } = JSON.parse(
  process.argv[2],
);
const file = openSync(ledger, 'a');
/** Also where {@link stepTime} has set the time of this process. */
const realTime = Date.now;

/** @param {string} what @param {{ stream: string, id: string, attempt?: number }} entry */
function note(what, { stream, id, attempt }) {
  writeSync(file, `${what} ${realTime()} ${stream} ${id} ${attempt}\n`);
}

/** @param {string} name @param {object} event */
function tell(name, event) {
  const error = event.error && { message: event.error.message, code: event.error.code };
  process.send?.({ name, event: { ...event, ...(error && { error }) } }, () => undefined);
}

/** Sets the time of this process forward by `ms`, or back, as NTP or an operator does. @param {number} ms */
function stepTime(ms) {
  const Before = Date;
  globalThis.Date = class extends Before {
    constructor(...args) {
      if (args.length === 0) super(Before.now() + ms);
      else super(...args);
    }
    static now() {
      return Before.now() + ms;
    }
  };
}

/** @param {number} ms */
const about = (ms) => ms * (0.5 + Math.random());

/** What a handler depends on, and must find open until its last run has ended. */
class Database {
  closed = false;
  onModuleDestroy() {
    this.closed = true;
  }
}
const database = new Database();

class Worker {
  /** See Payload in scene.ts for what a message can ask for. */
  async handle(
    { ms: asked = about(work), msIn = {}, kills, fails = 0, failsIn, failsLate },
    context,
  ) {
    const { stream, id, attempt, signal } = context;
    const entry = { stream, id, attempt };
    const ms = msIn[options.consumer] ?? asked;
    note('started', entry);
    if (kills) process.kill(process.pid, 'SIGKILL');
    if (ms > LONG) signal.addEventListener('abort', () => note('aborted', entry));
    const began = performance.now();
    await pause(ms);
    const late = performance.now() - began > ms + 1000;
    if (failsIn === options.consumer || (failsLate && late)) throw new UnrecoverableError('asked');
    if (attempt <= fails) throw new Error('asked to fail');
    if (database.closed) throw new Error('the database is closed');
    note('handled', entry);
  }
}
// What a compiler makes of decorators, in their order.
const method = Object.getOwnPropertyDescriptor(Worker.prototype, 'handle');
Payload()(Worker.prototype, 'handle', 0);
Ctx()(Worker.prototype, 'handle', 1);
StreamHandler({ ...handler, streams })(Worker.prototype, 'handle', method);
Object.defineProperty(Worker.prototype, 'handle', method);
Controller()(Worker);

/** The module of the library, for the server that is given. */
function streamsModule() {
  const driver =
    (postgres && postgresDriver(postgres)) ??
    (nats && natsDriver(nats)) ??
    (kafka && kafkaDriver(kafka));
  if (!driver) return RedisStreamsModule.forRoot({ ...redis, ...options });
  const slots = {
    messageSource: driver,
    deadLetterQueue: driver,
    // Kafka has none.
    ...(!kafka && { stateStore: driver }),
  };
  return StreamsModule.forRoot({ slots, ...options });
}

class App {}
Module({
  imports: [streamsModule()],
  controllers: [Worker],
  // Nest destroys what the root module provides before what it imports.
  providers: [{ provide: Database, useValue: database }],
})(App);

/** @param {'cpu' | 'close' | { step: number }} request */
async function answer(request) {
  if (request === 'cpu') return tell('cpu', process.cpuUsage());
  if (request.step !== undefined) return stepTime(request.step);
  await app.close();
  // Nothing else of ours keeps the process alive.
  process.disconnect();
}

const app = await NestFactory.createMicroservice(App, {
  inject: [(postgres ?? nats ?? kafka) ? StreamsTransport : RedisStreamsTransport],
  useFactory: (strategy) => ({ strategy }),
  logger: false,
});
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
for (const name of TOLD) app.on(name, (event) => tell(name, event));
app.on('settled', (event) => {
  if (event.outcome !== 'handled') note(event.outcome, event);
  else if (handler?.orderBy) note('settled', event);
});
process.on('message', (request) => void answer(request));
await app.listen();
tell('ready', {});
