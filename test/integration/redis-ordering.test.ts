import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Delivery } from '../../lib/core/delivery.js';
import { ack } from '../../lib/core/settlement.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { work } from '../support/passing-time.js';
import { startProxy } from '../support/proxy.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

const KEYS = 7;
const QUICK = { group: 'g', blockTimeout: 300, idleTimeout: 2000, reclaimInterval: 200 };

let server: RedisServer;
let admin: Redis;
const open: StreamsRuntime[] = [];
beforeEach(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((runtime) => runtime.close()));
  admin.disconnect();
  await server.stop();
});

/** Numbers of messages by the process that has settled them, in the order in which that became known. */
type Settled = { readonly by: string; readonly n: number }[];

interface StartOptions {
  readonly url?: string;
  readonly idleTimeout?: number;
  readonly settled?: Settled;
  readonly handle?: (n: number, delivery: Delivery) => Promise<void> | void;
}

async function start(by: string, options: StartOptions = {}): Promise<StreamsRuntime> {
  const { url = server.url, settled, handle, ...given } = options;
  const source = redis({ url, commandTimeout: 1000 });
  const runtime = new StreamsRuntime({
    ...QUICK,
    ...given,
    slots: inAllSlots(source),
    consumer: by,
  });
  open.push(runtime);
  const numbers = new Map<string, number>();
  runtime.events.on('settled', ({ id, outcome }) => {
    if (outcome === 'handled') settled?.push({ by, n: numbers.get(id)! });
  });
  const invoke = async (delivery: Delivery) => {
    const { n } = delivery.message.payload as { n: number };
    numbers.set(delivery.id, n);
    await handle?.(n, delivery);
    return ack;
  };
  const orderBy = ({ payload }: { payload: unknown }) => (payload as { n: number }).n % KEYS;
  await runtime.start([
    { name: 'T.run', events: ['made'], options: { streams: ['s'], orderBy }, invoke },
  ]);
  return runtime;
}

/** Straight to the server: numbers from and until, one after the other. */
async function publish(from: number, until: number): Promise<void> {
  const batch = admin.pipeline();
  for (let n = from; n < until; n++) {
    batch.xadd('s', '*', 'event_type', 'made', 'payload', JSON.stringify({ n }));
  }
  await batch.exec();
}

function expectOrder(settled: Settled): void {
  for (let key = 0; key < KEYS; key++) {
    const numbers = settled.map(({ n }) => n).filter((n) => n % KEYS === key);
    expect(numbers, `key ${key}`).toEqual([...numbers].sort((a, b) => a - b));
  }
}

it('a consumer that stands by reads at once when the owner shuts down', async () => {
  const settled: Settled = [];
  const first = await start('first', { settled, idleTimeout: 20_000 });
  await start('second', { settled, idleTimeout: 20_000 });
  await publish(0, 50);
  await until('the owner has handled them', () => settled.length === 50);
  await first.close();
  await publish(50, 100);
  await until('the other one has handled the others', () => settled.length === 100, 4000);
  expect(settled.map(({ by }) => by)).toEqual([
    ...Array<string>(50).fill('first'),
    ...Array<string>(50).fill('second'),
  ]);
  expectOrder(settled);
});

it('goes from one process to another in pauses, in order, each message once', async () => {
  const settled: Settled = [];
  const seen: number[] = [];
  const handle = async (n: number) => {
    seen.push(n);
    await work(2);
  };
  const countOf = (by: string) => settled.filter((one) => one.by === by).length;
  const first = await start('first', { settled, handle, idleTimeout: 20_000 });
  const second = await start('second', { settled, handle, idleTimeout: 20_000 });
  const pause = ({ consumers }: StreamsRuntime) => consumers.pause(consumers.find('made'));
  const resume = ({ consumers }: StreamsRuntime) => consumers.resume(consumers.find('made'));
  await publish(0, 1000);
  await until('the owner is at work', () => countOf('first') > 50);
  await pause(first);
  await until('the other one has taken over', () => countOf('second') > 50);
  await resume(first);
  await pause(second);
  const before = countOf('first');
  await until('the first one goes on', () => countOf('first') > before + 50);
  // Over before anything has ended.
  await pause(first);
  await resume(first);
  await until('all are handled', () => settled.length >= 1000);
  expectOrder(settled);
  expect(seen).toHaveLength(1000);
  expect(await admin.xpending('s', 'g')).toEqual([0, null, null, null]);
});

it('keeps the order through connections that break, and reads whose reply is lost', async () => {
  const proxy = await startProxy(server.port);
  const settled: Settled = [];
  const seen: number[] = [];
  const reclaimed: number[] = [];
  const runtime = await start('only', {
    url: proxy.url,
    settled,
    handle: (n) => void seen.push(n),
  });
  runtime.events.on('reclaimed', ({ count }) => reclaimed.push(count));
  let onSwallowed: (() => void) | undefined;
  proxy.rewrite.replies = (text) => {
    // What the reading script answers where it has read something.
    if (!onSwallowed || !text.startsWith('*1\r\n*1\r\n*2\r\n')) return text;
    onSwallowed();
    onSwallowed = undefined;
    proxy.cut();
    return '';
  };
  for (let round = 1; round <= 3; round++) {
    const swallowed = new Promise<void>((resolve) => (onSwallowed = resolve));
    await publish(round * 50 - 50, round * 50 - 25);
    await swallowed;
    // What would be read next, if what was lost did not come first.
    await publish(round * 50 - 25, round * 50);
    const all = () => new Set(settled.map(({ n }) => n)).size === round * 50;
    await until('all are settled', all, 15_000);
  }
  expect(reclaimed.length).toBeGreaterThan(0);
  expectOrder(settled);
  // A run comes again in its place, or not at all.
  for (let key = 0; key < KEYS; key++) {
    const runs = seen.filter((n) => n % KEYS === key);
    expect(runs).toEqual([...runs].sort((a, b) => a - b));
  }
  await runtime.close();
  await proxy.close();
});

it('begins anew after FLUSHALL, and after its group was destroyed', async () => {
  const settled: Settled = [];
  const runtime = await start('only', { settled });
  const lost: unknown[] = [];
  runtime.events.on('stream-lost', (event) => lost.push(event));
  await publish(0, 10);
  await until('the first are settled', () => settled.length === 10);
  await admin.flushall();
  await publish(10, 20);
  await until('those after the flush are settled', () => settled.length === 20, 10_000);
  expect(lost).toEqual([{ stream: 's', group: 'g' }]);
  await admin.xgroup('DESTROY', 's', 'g');
  await publish(20, 30);
  await until('those after it are settled', () => settled.some(({ n }) => n === 29), 10_000);
  expectOrder(settled.filter(({ n }) => n >= 20));
});

it('a key that is deleted hands the stream over, and the owner before stops', async () => {
  const settled: Settled = [];
  let release!: () => void;
  const stuck = new Promise<void>((resolve) => (release = resolve));
  const signals: AbortSignal[] = [];
  const first = await start('first', {
    settled,
    handle: (_, { signal }) => {
      signals.push(signal);
      return stuck;
    },
  });
  await publish(0, 3 * KEYS);
  await until('one of each key runs', () => signals.length === KEYS);
  await start('second', { settled });
  await admin.del('{s}:owner:g');
  await until('the other one has handled all', () => settled.length === 3 * KEYS);
  await until('the first one is told', () => signals.every(({ aborted }) => aborted));
  release();
  await first.close();
  expect(signals).toHaveLength(KEYS);
  expect(new Set(settled.map(({ by }) => by))).toEqual(new Set(['second']));
  expectOrder(settled);
});
