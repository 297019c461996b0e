import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Driver, DriverFactory } from '../../lib/ports/driver.js';
import type { SettledEvent } from '../../lib/core/run-events.js';
import type { HandlerOptions } from '../../lib/options/handler-options.js';
import { ack } from '../../lib/core/settlement.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { driverWith } from '../support/driver-with.js';
import { gate } from '../support/engine.js';
import { quiet } from '../support/passing-time.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

let server: TestRedis;
let stream: string;
let streams = 0;
const runtimes: StreamsRuntime[] = [];
beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());
afterEach(async () => {
  await Promise.all(runtimes.splice(0).map((runtime) => runtime.close()));
});

const quick = { timeout: 200, backoff: { delay: 10, jitter: 0 } } as const;

/** A process with a connection of its own, whose handler hangs until the test opens it. */
async function start(
  consumer: string,
  { hangs, own = {}, without = {} }: Partial<Settings> & { hangs: boolean },
) {
  const stuck = gate();
  const runs: number[] = [];
  const settled: SettledEvent[] = [];
  const source: DriverFactory = driverWith(redis({ url: server.url }), () => without);
  const runtime = new StreamsRuntime({
    slots: inAllSlots(source),
    keyPrefix: server.prefix,
    group: 'g',
    consumer,
    blockTimeout: 300,
    idleTimeout: 5000,
    reclaimInterval: 100,
    gracePeriod: 100,
    maxDeliveries: 4,
  });
  runtimes.push(runtime);
  runtime.events.on('settled', (event) => settled.push(event));
  await runtime.start([
    {
      name: 'Orders.handle',
      events: ['order'],
      options: { streams: [stream], ...quick, ...own },
      invoke: async ({ attempt }) => {
        runs.push(attempt);
        if (hangs) await stuck.promise;
        return ack;
      },
    },
  ]);
  const publish = () => runtime.producer.publish({ stream, eventType: 'order', payload: 1 });
  const outcomes = () => settled.map(({ outcome }) => outcome);
  return { runtime, stuck, runs, settled, outcomes, publish };
}

interface Settings {
  readonly own: HandlerOptions;
  /** Parts that the driver does not have. */
  readonly without: Partial<Record<keyof Driver, undefined>>;
}

describe.each([
  ['with a registry of live consumers', {}],
  ['without a registry', { live: undefined }],
] as const)('%s, a message whose method never ends', (_, without) => {
  it('goes to a second, idle process long before maxHold, and before idleTimeout', async () => {
    stream = `s${++streams}`;
    const a = await start('a', { hangs: true, without });
    await a.publish();
    await until('it hangs', () => a.runs.length === 1);
    const b = await start('b', { hangs: false, without });
    const began = Date.now();
    await until('the other one has it', () => b.outcomes().includes('handled'));
    expect(Date.now() - began).toBeLessThan(4000);
    expect([a.runs, b.runs]).toEqual([[1], [2]]);
    a.stuck.open();
    await quiet(500);
    expect([a.runs, b.runs]).toEqual([[1], [2]]);
  });

  it('is a dead letter "timed-out" once its runs are used up in all processes', async () => {
    stream = `s${++streams}`;
    const a = await start('a', { hangs: true, without });
    const b = await start('b', { hangs: true, without });
    await a.publish();
    const all = () => [...a.settled, ...b.settled];
    await until('there is a dead letter', () => all().some(({ reason }) => reason !== undefined));
    expect(all().filter(({ reason }) => reason)).toMatchObject([
      { outcome: 'dead-lettered', reason: 'timed-out', attempt: 4 },
    ]);
    expect([a.runs.length, b.runs.length]).toEqual([1, 1]);
  });

  it('is released at a shutdown', async () => {
    stream = `s${++streams}`;
    const a = await start('a', { hangs: true, own: { overlap: false }, without });
    await a.publish();
    await until('it has timed out', () => a.outcomes().includes('retried'));
    await a.runtime.close();
    // Other processes take what is pending for so long at once, and need not wait for idleTimeout.
    const pending = await server.client.xpending(server.prefix + stream, 'g', '-', '+', 2);
    expect(pending).toEqual([[expect.any(String), 'a', expect.any(Number), 1]]);
    expect((pending as [string, string, number][])[0]![2]).toBeGreaterThan(3_600_000);
    const b = await start('b', { hangs: false, without });
    await until('the other one has it', () => b.outcomes().includes('handled'));
    expect(b.runs).toEqual([2]);
  });
});
