/**
 * A worker process that runs the steps of workflows: argv[2] is JSON of its options, see
 * worker-process.ts. It notes each effect in its ledger before the step ends.
 */
import 'reflect-metadata';
import { openSync, writeSync } from 'node:fs';
import { storeThatKills } from './store-that-kills.js';
import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  fanOut,
  next,
  redis as redisDriver,
  StreamHandler,
  StreamsModule,
  StreamsTransport,
} from '../../../dist/index.js';
import { nats as natsDriver } from '../../../dist/nats.js';
import { postgres as postgresDriver } from '../../../dist/postgres.js';

const {
  streams: _,
  script,
  work,
  ledger,
  redis,
  postgres,
  nats,
  apart,
  ...options
} = JSON.parse(process.argv[2]);
const file = openSync(ledger, 'a');

/** @param {string} what @param {import('../../../dist/index.js').StreamContext} context */
function note(what, { message, workflow, attempt }) {
  writeSync(
    file,
    `${what} ${Date.now()} ${message.eventType} ${workflow.id}:${workflow.step} ${attempt}\n`,
  );
}

/** @param {string} name @param {object} event */
const tell = (name, event) => process.send?.({ name, event }, () => undefined);

const PARTS = 5;

/** What each step returns. */
const ANSWERS = {
  begin: ({ n }) => next('later', { n }, { delay: 100 }),
  later: ({ n }) =>
    fanOut(
      Array.from({ length: PARTS }, (_, part) => next('part', { n, part })),
      { join: 'joined' },
    ),
  part: ({ n, part }) => n * PARTS + part,
  joined: ({ results }) => results.reduce((sum, one) => sum + one, 0),
  /** Stands still for as long as its process does, and then knows what is next. */
  slow: () => next('after'),
  after: () => undefined,
};

class Steps {
  async step(payload, context) {
    note('started', context);
    await pause(context.message.eventType === 'slow' ? payload.ms : work * (0.5 + Math.random()));
    note('handled', context);
    return ANSWERS[context.message.eventType](payload);
  }
}
const method = Object.getOwnPropertyDescriptor(Steps.prototype, 'step');
Payload()(Steps.prototype, 'step', 0);
Ctx()(Steps.prototype, 'step', 1);
StreamHandler(Object.keys(ANSWERS))(Steps.prototype, 'step', method);
Object.defineProperty(Steps.prototype, 'step', method);
Controller()(Steps);

const driver = postgres ? postgresDriver(postgres) : nats ? natsDriver(nats) : redisDriver(redis);
const slots = {
  messageSource: driver,
  stateStore: apart ? storeThatKills(apart) : driver,
  deadLetterQueue: driver,
};

class App {}
Module({
  imports: [StreamsModule.forRoot({ slots, ...options })],
  controllers: [Steps],
})(App);

const app = await NestFactory.createMicroservice(App, {
  inject: [StreamsTransport],
  useFactory: (strategy) => ({ strategy }),
  logger: false,
});
app.on('settled', (event) => {
  if (event.outcome !== 'handled')
    writeSync(
      file,
      `${event.outcome} ${Date.now()} ${event.eventType} ${event.id} ${event.attempt}\n`,
    );
});
for (const name of ['worker-error', 'reclaimed']) {
  app.on(name, (event) => tell(name, { ...event, error: event.error?.message }));
}
await app.listen();
tell('ready', {});
