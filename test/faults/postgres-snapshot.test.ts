import { Pool } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import { rowsRead } from '../support/postgres-rows-read.js';
import { PostgresScene } from './support/postgres-scene.js';

const STREAM = 'passing';
const MESSAGES = 100_000;
const PART = 10_000;
const AT_ONCE = 500;
/** A worker that runs few handlers at once claims by few. */
const FEW = 50;
const HOUR = 3_600_000;
/**
 * So many rows may be read to claim and to settle a message, dead rows of other messages not counted.
 * Six are: the free delivery, the data, the row of the group, and the delivery again by its key, of
 * which there are two versions.
 */
const PER_MESSAGE = 8;

let scene: PostgresScene;
let driver: Driver;
/** The only connection of the driver: so its statistics can be sent when the test asks for them. */
let pool: Pool;
beforeEach(async () => {
  scene = await PostgresScene.open({ settings: { autovacuum: 'off' } });
  pool = new Pool({ connectionString: scene.server.url(), max: 1 });
  pool.on('error', () => undefined);
  driver = postgres({ pool, hints: false }).open({ events: new EventBus(), keyPrefix: '' });
});
afterEach(async () => {
  await driver.source.close();
  await pool.end();
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

type Subscribed = Awaited<ReturnType<Driver['source']['subscribe']>>;

/** Publishes and settles so many messages. Returns the rows that were read for each message. */
async function pass(count: number, subscription: Subscribed, atOnce = AT_ONCE): Promise<number> {
  await publish(count);
  const before = await rowsRead(pool);
  for (let done = 0; done < count;) {
    const leases = await subscription.pull(atOnce);
    const outcomes = await driver.source.settle(
      leases.map((lease) => ({ lease, settlement: { kind: 'ack' } as const })),
    );
    expect(outcomes.filter((outcome) => outcome !== 'settled')).toEqual([]);
    done += leases.length;
  }
  return ((await rowsRead(pool)) - before) / count;
}

it(
  'a claim reads past dead rows once while a transaction keeps them, and past none afterwards',
  { timeout: 180_000 },
  async () => {
    const subscription = await driver.source.subscribe({
      ...{ group: 'g', consumer: 'c', streams: [STREAM], startId: '0' },
      // No look for abandoned entries comes in between: it reads dead rows, too.
      ...{ idleTimeout: HOUR, reclaimInterval: HOUR, blockTimeout: 1000 },
    });
    await pass(2000, subscription);
    const before = await pass(PART, subscription);
    expect(before).toBeLessThan(PER_MESSAGE);
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
    await session.query('rollback');
    session.release();
    await scene.sql('vacuum streams.delivery');
    const after = await pass(PART, subscription);
    console.log(
      `PostgreSQL: ${MESSAGES} messages pass while a transaction is open. Rows read for each message: ` +
        `${before} before, ${during.join(', ')} meanwhile, ${after} after; ` +
        `by ${FEW}: ${fewBefore} before, ${few} at the end`,
    );
    await subscription.close();
    expect(fewBefore).toBeLessThan(PER_MESSAGE);
    // Each claim passes over the dead rows of its group once: as many as messages went through.
    during.forEach((read, part) => {
      expect(read).toBeLessThan(PER_MESSAGE + (PART * (part + 1)) / AT_ONCE);
    });
    expect(few).toBeLessThan(PER_MESSAGE + (MESSAGES + 2000) / FEW);
    expect(after).toBeLessThan(PER_MESSAGE);
  },
);
