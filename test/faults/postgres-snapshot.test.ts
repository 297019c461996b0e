import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import { PostgresScene } from './support/postgres-scene.js';

const STREAM = 'passing';
const MESSAGES = 100_000;
const PART = 10_000;
const AT_ONCE = 500;
/** A worker that runs few handlers at once claims by few. */
const FEW = 50;

let scene: PostgresScene;
let driver: Driver;
beforeEach(async () => {
  scene = await PostgresScene.open();
  driver = postgres({ url: scene.server.url() }).open({ events: new EventBus(), keyPrefix: '' });
});
afterEach(async () => {
  await driver.source.close();
  await scene.close();
});

async function publish(count: number): Promise<void> {
  for (let at = 0; at < count; at += AT_ONCE) {
    const entries = Array.from({ length: AT_ONCE }, (_, n) => ({
      stream: STREAM,
      fields: [
        'event_type',
        'passed',
        'payload',
        JSON.stringify({ n: at + n, text: 'x'.repeat(150) }),
      ],
    }));
    const results = await driver.source.publish(entries);
    expect(results.filter((result) => typeof result !== 'string')).toEqual([]);
  }
}

/** Publishes and settles so many messages. Answers how many were drained per second. */
async function pass(count: number, subscription: Subscribed, atOnce = AT_ONCE): Promise<number> {
  await publish(count);
  const began = performance.now();
  for (let done = 0; done < count;) {
    const leases = await subscription.pull(atOnce);
    const outcomes = await driver.source.settle(
      leases.map((lease) => ({ lease, settlement: { kind: 'ack' } as const })),
    );
    expect(outcomes.filter((outcome) => outcome !== 'settled')).toEqual([]);
    done += leases.length;
  }
  return Math.round(count / ((performance.now() - began) / 1000));
}
type Subscribed = Awaited<ReturnType<Driver['source']['subscribe']>>;

it(
  'a transaction that stays open while 100,000 messages pass slows nothing down for long',
  { timeout: 180_000 },
  async () => {
    const subscription = await driver.source.subscribe({
      ...{ group: 'g', consumer: 'c', streams: [STREAM], startId: '0' },
      ...{ idleTimeout: 60_000, reclaimInterval: 10_000, blockTimeout: 1000 },
    });
    await pass(PART, subscription);
    const before = [await pass(PART, subscription), await pass(PART, subscription)];
    const fewBefore = await pass(2000, subscription, FEW);
    // It has an old snapshot, so that no row that is deleted from now on can be removed.
    const session = await scene.pool.connect();
    await session.query('begin isolation level repeatable read');
    await session.query('select count(*) from streams.delivery');
    const during: number[] = [];
    for (let passed = 0; passed < MESSAGES; passed += PART) {
      during.push(await pass(PART, subscription));
    }
    const few = await pass(2000, subscription, FEW);
    const [dead] = await scene.sql<{ n: string; size: string }>(
      `select n_dead_tup as n, pg_size_pretty(pg_relation_size('streams.delivery_free')) as size
        from pg_stat_user_tables where relname = 'delivery'`,
    );
    await session.query('rollback');
    session.release();
    await scene.sql('vacuum streams.delivery');
    const after = await pass(PART, subscription);
    console.log(
      `PostgreSQL: ${MESSAGES} messages pass while a transaction is open: ${before.join(', ')}/s before, ` +
        `${during.join(', ')}/s meanwhile (${dead!.n} dead rows, index ${dead!.size}), ${after}/s after; ` +
        `by ${FEW}: ${fewBefore}/s before, ${few}/s at the end`,
    );
    await subscription.close();
    const usual = Math.max(...before);
    expect(during.at(-1)!).toBeGreaterThan(0.3 * usual);
    expect(after).toBeGreaterThan(0.5 * usual);
  },
);
