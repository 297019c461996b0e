/**
 * A worker process that handles load balanced streams with the built library. argv[2] is the JSON of
 * BalancedWorkerOptions, see balanced-scene.ts. It notes in its ledger what it owns, what it has done
 * and what was settled, at once and outside of the server, so that it is known after a SIGKILL too.
 */
import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  LoadBalancedHandler,
  LoadBalancer,
  LoadBalancerModule,
  OnStreamAdded,
  OnStreamDisowned,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamsModule,
  StreamsTransport,
} from '../../../dist/index.js';

const { redis, postgres: place, work, ledger, events, ...options } = JSON.parse(process.argv[2]);
const streams = { group: 'unused', gracePeriod: 2000 };

/** The module of the driver under test. */
async function streamsModule() {
  if (!place) return RedisStreamsModule.forRoot({ ...redis, ...streams });
  const { postgres } = await import('../../../dist/postgres.js');
  const driver = postgres(place);
  const slots = { messageSource: driver, stateStore: driver, deadLetterQueue: driver };
  return StreamsModule.forRoot({ ...streams, slots });
}
const file = openSync(ledger, 'a');

/** @param {(string | number)[]} words */
const note = (...words) => writeSync(file, `${Date.now()} ${words.join(' ')}\n`);

/** Tokens of runs, until they are settled. */
const running = new Map();

class Worker {
  async handle({ n, last, blocks, at }, context) {
    const { stream, id, token } = context;
    running.set(`${stream} ${id}`, token);
    note('begun', stream, n, token);
    if (blocks && at === options.consumerId) {
      // As a computation: nothing else of this process runs.
      for (const end = Date.now() + blocks; Date.now() < end;);
      note('blocked', stream, n, token);
    } else await pause(work * (0.5 + Math.random()));
    note('handled', stream, n, token);
    if (last) context.done();
  }
}
const method = Object.getOwnPropertyDescriptor(Worker.prototype, 'handle');
Payload()(Worker.prototype, 'handle', 0);
Ctx()(Worker.prototype, 'handle', 1);
LoadBalancedHandler({ service: options.service })(Worker.prototype, 'handle', method);
Object.defineProperty(Worker.prototype, 'handle', method);
Controller()(Worker);

class Owners {
  added({ payload, token }) {
    note('added', payload.dataStreamName, 0, token);
  }
  disowned({ payload, reason }) {
    note('disowned', payload.dataStreamName, 0, 0, reason);
  }
}
OnStreamAdded()(
  Owners.prototype,
  'added',
  Object.getOwnPropertyDescriptor(Owners.prototype, 'added'),
);
OnStreamDisowned()(
  Owners.prototype,
  'disowned',
  Object.getOwnPropertyDescriptor(Owners.prototype, 'disowned'),
);

class App {}
Module({
  imports: [await streamsModule(), LoadBalancerModule.forRoot(options)],
  controllers: [Worker],
  providers: [Owners],
})(App);

const app = await NestFactory.createMicroservice(App, {
  inject: [place ? StreamsTransport : RedisStreamsTransport],
  useFactory: (strategy) => ({ strategy }),
  logger: events ? ['warn', 'error'] : false,
});
app.enableShutdownHooks(['SIGTERM'], { useProcessExit: true });
app.on('settled', ({ stream, id, outcome }) => {
  const key = `${stream} ${id}`;
  if (outcome === 'handled') note('settled', stream, id, running.get(key));
  else note(outcome, stream, id, running.get(key) ?? 0);
  running.delete(key);
});
process.on('message', (request) => {
  if (request === 'usage') {
    const owned = app.get(LoadBalancer).streams().length;
    globalThis.gc?.();
    process.send?.({
      usage: {
        owned,
        rss: process.memoryUsage.rss(),
        heap: process.memoryUsage().heapUsed,
        cpu: process.cpuUsage(),
      },
    });
  }
});
await app.listen();
process.send?.('ready');
