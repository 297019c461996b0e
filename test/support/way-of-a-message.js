// @ts-check
/**
 * Counts the files and functions that a message passes from the read to its acknowledgement.
 *
 *   npm run way            the counts, and the longest file
 *   npm run way -- --list  also each file with its functions
 *   npm run way -- --json  all of it as JSON
 *
 * The message goes to a Nest application with one `@StreamHandler` without options, on a Redis server
 * of its own. V8 says which functions ran while one message passed. Counted is what ran for most of
 * the messages: what runs now and then, such as timers, is left out.
 */
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Payload } from '@nestjs/microservices';
import { Redis } from 'ioredis';
import { freshBuild } from '../../bench/fresh-build.js';
import { startRedis } from './redis-process.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dist = join(root, 'dist/');
const EVENT = 'order.process';
const GROUP = 'way';
/** So long that no timer of the library fires while a message passes, in milliseconds. */
const RARELY = 600_000;
/** Messages that are followed, one by one: each is published when the one before is acknowledged. */
const MESSAGES = 15;

Logger.overrideLogger(false);
freshBuild(root);
const way = await measure();
if (process.argv.includes('--json')) console.log(JSON.stringify(way));
else print(way, process.argv.includes('--list'));
process.exit(0);

/** @typedef {{ file: string, name: string }} Passed a function of dist */

/**
 * @typedef {object} Way
 * @property {number} files
 * @property {number} functions
 * @property {{ file: string, lines: number }} longest the longest file of lib that the message passes
 * @property {Record<string, string[]>} passed names of the functions, by file of dist
 */

/** @returns {Promise<Way>} */
async function measure() {
  const server = await startRedis();
  const redis = new Redis(server.url);
  const app = await start(server.url);
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  for (let message = 0; message < 50; message++) await pass(redis);
  await ranSince(session);
  /** @type {Map<string, Passed & { messages: number }>} */
  const found = new Map();
  for (let message = 0; message < MESSAGES; message++) {
    await pass(redis);
    for (const [place, one] of await ranSince(session)) {
      const messages = (found.get(place)?.messages ?? 0) + 1;
      found.set(place, { ...one, messages });
    }
  }
  await app.close();
  redis.disconnect();
  await server.stop();
  return count([...found.values()].filter(({ messages }) => messages > MESSAGES / 2));
}

/** @param {string} url */
async function start(url) {
  const { RedisStreamsModule, RedisStreamsTransport, StreamHandler } = await import(
    pathToFileURL(join(dist, 'index.js')).href
  );
  class OrderController {
    /** @param {unknown} order */
    process(order) {
      return Promise.resolve(void order);
    }
  }
  const method = Object.getOwnPropertyDescriptor(OrderController.prototype, 'process') ?? {};
  Payload()(OrderController.prototype, 'process', 0);
  StreamHandler(EVENT)(OrderController.prototype, 'process', method);
  Object.defineProperty(OrderController.prototype, 'process', method);
  Controller()(OrderController);
  class AppModule {}
  const timers = { blockTimeout: RARELY, idleTimeout: RARELY, reclaimInterval: RARELY };
  const options = { url, group: GROUP, ...timers };
  Module({ controllers: [OrderController], imports: [RedisStreamsModule.forRoot(options)] })(
    AppModule,
  );
  const app = await NestFactory.createMicroservice(AppModule, {
    inject: [RedisStreamsTransport],
    useFactory: (/** @type {import('nestjs-redis-streams').RedisStreamsTransport} */ strategy) => ({
      strategy,
    }),
    logger: false,
  });
  await app.listen();
  return app;
}

/** Publishes a message by a client that is not ours, and awaits its acknowledgement. @param {Redis} redis */
async function pass(redis) {
  await redis.xadd(EVENT, '*', 'event_type', EVENT, 'payload', '{"id":1}');
  for (;;) {
    const [group] = /** @type {unknown[][]} */ (await redis.xinfo('GROUPS', EVENT));
    const of = (/** @type {string} */ name) => group?.[group.indexOf(name) + 1];
    if (of('lag') === 0 && of('pending') === 0) break;
    await pause(1);
  }
  // What follows the answer of the acknowledgement.
  await pause(5);
}

/**
 * The functions of dist that have run since the last call.
 *
 * @param {Session} session
 * @returns {Promise<Map<string, Passed>>} by their places
 */
async function ranSince(session) {
  const { result } = await session.post('Profiler.takePreciseCoverage');
  /** @type {Map<string, Passed>} */
  const ran = new Map();
  for (const { url, functions } of result) {
    if (!url.startsWith('file:') || !fileURLToPath(url).startsWith(dist)) continue;
    const file = relative(dist, fileURLToPath(url));
    for (const { functionName, ranges } of functions) {
      const range = ranges[0];
      if (!range?.count) continue;
      const name = functionName || '(without a name)';
      ran.set(`${file}:${range.startOffset}-${range.endOffset}`, { file, name });
    }
  }
  return ran;
}

/** @param {readonly Passed[]} functions @returns {Way} */
function count(functions) {
  /** @type {Record<string, string[]>} */
  const passed = {};
  for (const { file, name } of functions) (passed[file] ??= []).push(name);
  const files = Object.keys(passed).sort();
  const sizes = files.map((file) => ({ file: sourceOf(file), lines: linesOf(sourceOf(file)) }));
  sizes.sort((a, b) => b.lines - a.lines);
  return {
    files: files.length,
    functions: functions.length,
    longest: sizes[0] ?? { file: '', lines: 0 },
    passed: Object.fromEntries(files.map((file) => [file, passed[file] ?? []])),
  };
}

/** @param {string} file of dist */
function sourceOf(file) {
  return join('lib', file.replace(/\.js$/, '.ts'));
}

/** @param {string} file of the repository */
function linesOf(file) {
  return readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length;
}

/** @param {Way} way @param {boolean} inFull */
function print({ files, functions, longest, passed }, inFull) {
  if (inFull)
    for (const [file, names] of Object.entries(passed)) console.log(`${file}: ${names.join(', ')}`);
  console.log(`${functions} functions in ${files} files`);
  console.log(`longest of these files: ${longest.file}, ${longest.lines} lines`);
}
