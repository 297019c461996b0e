/**
 * A process with a consumer that has no controller, on the built library. argv[2] is the JSON of
 * WorkerOptions, see worker-process.ts. It tells its parent of each message that it was given.
 */
import 'reflect-metadata';
import { setTimeout as pause } from 'node:timers/promises';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisStreamsModule, StreamConsumers } from '../../../dist/index.js';

const { streams, redis, work, ...options } = JSON.parse(process.argv[2]);
const { group, consumer, idleTimeout, reclaimInterval, blockTimeout } = options;

class App {}
Module({
  imports: [
    RedisStreamsModule.forRoot({ ...redis, group, idleTimeout, reclaimInterval, blockTimeout }),
  ],
})(App);

/** @param {string} name @param {object} event */
const tell = (name, event) => process.send?.({ name, event }, () => undefined);

const app = await NestFactory.createApplicationContext(App, { logger: false });
const made = app.get(StreamConsumers).create({ streams, consumer });
process.on('disconnect', () => process.exit());
const subscribed = made.subscribe(async ({ id, payload }) => {
  tell('called', { id, peakMb: process.resourceUsage().maxRSS / 1024 });
  if (work > 0) await pause(work);
  if (payload.hangs) await new Promise(() => undefined);
  return !payload.kept;
});
subscribed.catch((error) => tell('failed', { code: error.code }));
tell('ready', {});
