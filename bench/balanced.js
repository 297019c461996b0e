// @ts-check
/**
 * What streams that are owned cost while nothing happens in them, and how they fare when something
 * does. By name, beside the other benchmarks:
 *
 *   npm run build && node bench/balanced.js [streams = 2000] [consumers = 4]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { guard, startRedis } from '../test/support/redis-process.js';

const [streamCount = 2000, consumerCount = 4] = process.argv.slice(2).map(Number);
const SERVICE = 'sessions';
const WATCHED = 10_000;
const worker = fileURLToPath(new URL('../test/faults/support/balanced-worker.js', import.meta.url));

const server = await startRedis();
const client = new Redis(server.url);
const directory = await mkdtemp(join(tmpdir(), 'streams-balanced-'));
const streams = Array.from({ length: streamCount }, (_, index) => `user-session-${index}`);

const workers = await Promise.all(
  Array.from({ length: consumerCount }, (_, index) => start(`c${index}`)),
);
await pause(3000);
const before = await measure();
const announced = Date.now();
await inChunks(streams, (pipeline, stream) =>
  pipeline.xadd(
    `${SERVICE}-input`,
    '*',
    'lbs-input',
    JSON.stringify({ DataStreamName: stream, Info: {} }),
  ),
);
await owned();
console.log(`${streamCount} streams owned after ${Date.now() - announced} ms`);
await pause(8000);
const after = await measure();
console.log('owned by each:', after.owned.join(' '));
const perStream = (/** @type {(measured: typeof after) => number} */ of) =>
  (of(after) - of(before)) / streamCount;
console.log(
  `without streams: ${before.commands.toFixed(0)} commands/s, Redis ${(before.cpu * 100).toFixed(1)} % of a core`,
);
console.log(
  `idle: ${after.commands.toFixed(0)} commands/s, ${perStream((m) => m.commands).toFixed(3)} per stream`,
);
console.log(
  `  inside scripts, too: ${after.inScripts.toFixed(0)} calls/s, ${perStream((m) => m.inScripts).toFixed(1)} per stream`,
);
console.log(
  `  Redis ${(after.cpu * 100).toFixed(1)} % of a core; consumers ${after.consumerCpu.map((cpu) => `${(cpu * 100).toFixed(1)} %`).join(' ')}`,
);
console.log(`  heap of a consumer per stream: ${(perStream((m) => m.heap) / 1024).toFixed(1)} KB`);
console.log(`  connections: ${after.connections - before.connections} more than without streams`);

const published = Date.now();
for (let n = 0; n < 5; n++) {
  await inChunks(streams, (pipeline, stream) =>
    pipeline.xadd(stream, '*', 'event_type', 'event', 'payload', JSON.stringify({ n })),
  );
}
await settled(5 * streamCount);
const took = Date.now() - published;
console.log(
  `5 messages in each: ${took} ms, ${Math.round((5000 * streamCount) / took)} messages/s`,
);

const lost = (await notes()).filter((line) => line.includes(' lost ')).length;
console.log(`streams lost meanwhile: ${lost}`);
await Promise.all(workers.map(kill));
client.disconnect();
await server.stop();
await rm(directory, { recursive: true });

/** @param {string} name */
async function start(name) {
  const options = {
    service: SERVICE,
    consumerId: name,
    redis: { url: server.url },
    work: 1,
    ledger: join(directory, name),
  };
  const child = fork(worker, [JSON.stringify(options)], { execArgv: ['--expose-gc'] });
  guard(child);
  await once(child, 'message');
  return child;
}

/** @param {import('node:child_process').ChildProcess} child */
async function kill(child) {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

/** Over some seconds. */
async function measure() {
  const first = await snapshot();
  await pause(WATCHED);
  const second = await snapshot();
  const seconds = WATCHED / 1000;
  const rate = (/** @type {(of: typeof first) => number} */ of) =>
    (of(second) - of(first)) / seconds;
  return {
    owned: second.usages.map((usage) => usage.owned),
    commands: rate((of) => of.processed),
    inScripts: rate((of) => of.calls),
    cpu: rate((of) => of.cpu),
    consumerCpu: second.usages.map(
      (usage, index) => (usage.cpu - first.usages[index].cpu) / seconds,
    ),
    heap: second.usages.reduce((sum, usage) => sum + usage.heap, 0),
    connections: second.connections,
  };
}

async function snapshot() {
  const usages = await Promise.all(workers.map(usageOf));
  const info = await client.info('everything');
  const number = (/** @type {string} */ name) =>
    Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
  const calls = [...info.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)];
  return {
    usages,
    // Commands that clients sent, less what this measuring itself sends.
    processed: calls
      .filter(([, name]) =>
        ['evalsha', 'eval', 'xread', 'xreadgroup', 'mget', 'client|unblock'].includes(name ?? ''),
      )
      .reduce((sum, [, , count]) => sum + Number(count), 0),
    calls: calls.reduce((sum, [, , count]) => sum + Number(count), 0),
    cpu: number('used_cpu_user') + number('used_cpu_sys'),
    connections: number('connected_clients'),
  };
}

/** @param {import('node:child_process').ChildProcess} child */
async function usageOf(child) {
  child.send('usage');
  const [{ usage }] = await once(child, 'message');
  return { ...usage, cpu: (usage.cpu.user + usage.cpu.system) / 1e6 };
}

async function owned() {
  for (;;) {
    const usages = await Promise.all(workers.map(usageOf));
    if (usages.reduce((sum, usage) => sum + usage.owned, 0) >= streamCount) return;
    await pause(50);
  }
}

async function notes() {
  const texts = await Promise.all(
    workers.map((_, index) => readFile(join(directory, `c${index}`), 'utf8')),
  );
  return texts.flatMap((text) => text.split('\n'));
}

/** @param {number} count */
async function settled(count) {
  while ((await notes()).filter((line) => line.includes(' settled ')).length < count)
    await pause(200);
}

/** @param {readonly string[]} items @param {(pipeline: ReturnType<typeof client.pipeline>, item: string) => unknown} each */
async function inChunks(items, each) {
  for (let at = 0; at < items.length; at += 500) {
    const pipeline = client.pipeline();
    for (const item of items.slice(at, at + 500)) each(pipeline, item);
    await pipeline.exec();
  }
}
