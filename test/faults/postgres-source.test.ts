import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Lease } from '../../lib/core/lease.js';
import { ack } from '../../lib/core/settlement.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { PostgresReader, valueOf } from '../support/postgres-reader.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { until } from '../support/until.js';

const STREAM = 'orders';
const GROUP = 'billing';
const COUNT = 6000;
const KILLS = 6;

let server: PostgresServer;
const readers: PostgresReader[] = [];
beforeEach(async () => void (server = await startPostgres()));
afterEach(async () => {
  await Promise.all(readers.splice(0).map((reader) => reader.close()));
  await server.stop();
});

function open(): PostgresReader {
  const reader = new PostgresReader({ url: server.url() });
  readers.push(reader);
  return reader;
}

/** What the consumers have done. */
const handled = new Map<string, number>();
/** Values whose acknowledgement was answered, and that must not come again. */
const settled = new Set<string>();
const afterSettled: string[] = [];
/** How many messages were held by consumers that died. */
let held = 0;

/** Settles as the engine does: what failed is tried again. */
async function settle(reader: PostgresReader, leases: readonly Lease[]): Promise<void> {
  let left = leases;
  while (left.length > 0) {
    const outcomes = await reader.driver.source.settle(
      left.map((lease) => ({ lease, settlement: ack })),
    );
    for (const [at, lease] of left.entries()) {
      if (!(outcomes[at] instanceof Error)) settled.add(valueOf(lease)!);
    }
    left = left.filter((_, at) => outcomes[at] instanceof Error);
    if (left.length > 0) await pause(20);
  }
}

async function consume(reader: PostgresReader, from: Subscription, signal: AbortSignal) {
  while (!signal.aborted) {
    const leases = await from.pull(20);
    const started: Lease[] = [];
    for (const lease of leases) {
      const ready = lease.charged || (await from.begin(lease).catch(() => 'unknown')) === 'started';
      if (ready) started.push(lease);
      else from.forget(lease);
    }
    for (const lease of started) {
      const value = valueOf(lease)!;
      if (settled.has(value)) afterSettled.push(value);
      handled.set(value, (handled.get(value) ?? 0) + 1);
    }
    await settle(reader, started);
  }
}

it('a server that is killed between claims and settlements loses nothing, and repeats little', async () => {
  const publisher = open();
  const done = new AbortController();
  const consuming = await Promise.all(
    ['A', 'B'].map(async (consumer) => {
      const reader = open();
      const times = { idleTimeout: 1000, reclaimInterval: 200 };
      const subscription = await reader.read(STREAM, GROUP, { consumer, ...times });
      return { ended: consume(reader, subscription, done.signal) };
    }),
  );
  const killing = (async () => {
    for (let kill = 1; kill <= KILLS; kill++) {
      const goal = (COUNT / (KILLS + 1)) * kill;
      await until(
        'some were handled',
        () => handled.size >= goal,
        60_000,
        () => handled.size,
      );
      // One consumer dies with the server, and with what it holds.
      const doomed = open();
      const times = { idleTimeout: 60_000, reclaimInterval: 60_000 };
      const holding = await doomed.read(STREAM, GROUP, { consumer: `doomed-${kill}`, ...times });
      held += (await holding.pull(10)).length;
      await holding.stop();
      await server.kill();
      await server.start();
    }
  })();
  const published = new Set<string>();
  for (let at = 0; at < COUNT; at += 100) {
    const values = Array.from({ length: 100 }, (_, n) => String(at + n));
    // What is published twice after an unknown outcome is handled twice.
    await until(
      'these are published',
      () =>
        publisher.publish(STREAM, ...values).then(
          () => true,
          () => false,
        ),
      60_000,
    );
    for (const value of values) published.add(value);
  }
  await killing;
  await until(
    'all are handled',
    () => handled.size === COUNT,
    60_000,
    () => handled.size,
  );
  const pending = async () => {
    const [report] = await publisher.driver.groups!.describe([STREAM]);
    return report!.groups[0]!.pending + (report!.groups[0]!.lag ?? 0);
  };
  await until('nothing is pending', async () => (await pending()) === 0, 60_000, pending);
  done.abort();
  await Promise.all(consuming.map(({ ended }) => ended));
  expect(afterSettled.length).toBeLessThanOrEqual(KILLS * 100);
  expect([...handled.keys()].toSorted()).toEqual([...published].toSorted());
  expect(held).toBeGreaterThan(0);
  const more = [...handled.values()].reduce((sum, times) => sum + times - 1, 0);
  // For each kill: what two consumers held, and a batch that was published twice.
  expect(more).toBeLessThanOrEqual(KILLS * (2 * 20 + 100));
}, 180_000);
