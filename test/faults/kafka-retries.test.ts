import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../lib/core/lease.js';
import { ack, retry } from '../../lib/core/settlement.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { KafkaWorld } from '../support/kafka-world.js';

describe('retries of Kafka that wait long', needsKafka(), () => {
  let server: TestKafka;
  let world: KafkaWorld;
  let driver: Driver;
  const stream = 'orders';
  beforeAll(async () => {
    server = await testKafka();
  });
  afterAll(() => server?.cleanup());
  beforeEach(() => {
    world = new KafkaWorld(server);
    driver = world.driver({ retryTopicAfter: 50 });
  });
  afterEach(() => world.close());

  /** Puts so many messages off, each by its delay in milliseconds. */
  async function putOff(leases: readonly Lease[], delays: readonly number[]): Promise<void> {
    const outcomes = await driver.source.settle(
      leases.map((lease, at) => ({ lease, settlement: retry(delays[at]!) })),
    );
    expect(outcomes).toEqual(leases.map(() => 'moved'));
  }

  const acknowledge = async (leases: readonly Lease[]): Promise<void> => {
    const outcomes = await driver.source.settle(
      leases.map((lease) => ({ lease, settlement: ack })),
    );
    expect(outcomes).toEqual(leases.map(() => 'settled'));
  };

  /** Starts the runs of these. */
  async function begun(subscription: Subscription, leases: Lease[]): Promise<Lease[]> {
    const waiting = leases.filter(({ charged }) => !charged);
    const outcomes = await Promise.all(waiting.map((lease) => subscription.begin(lease)));
    expect(outcomes).toEqual(waiting.map(() => 'started'));
    return leases;
  }

  test('wait by the thousands, and none comes early, twice or never', async () => {
    const COUNT = 10_000;
    await world.publish(driver, stream, ...Array.from({ length: COUNT }, (_, at) => String(at)));
    const subscription = await world.subscribe(driver, stream);
    const dueAt = new Map<string, number>();
    const late: number[] = [];
    const seen = new Map<string, number>();
    while (seen.size < COUNT) {
      const leases = await world.take(subscription, 1);
      leases.push(...(await begun(subscription, await subscription.pull(500))));
      const now = Date.now();
      const first = leases.filter(({ attempt }) => attempt === 1);
      const delays = first.map(({ id }) => 1000 + ((Number(id.slice(2)) * 37) % 5000));
      first.forEach(({ id }, at) => dueAt.set(id, now + delays[at]!));
      await putOff(first, delays);
      const again = leases.filter(({ attempt }) => attempt === 2);
      for (const { id } of again) {
        expect(now).toBeGreaterThanOrEqual(dueAt.get(id)!);
        seen.set(id, (seen.get(id) ?? 0) + 1);
      }
      await acknowledge(again);
      expect(first.length + again.length).toBe(leases.length);
      for (const { id } of again) late.push(now - dueAt.get(id)!);
    }
    console.log(`${COUNT} retries: late by ${median(late)} ms, at most ${Math.max(...late)} ms`);
    expect([...seen.values()].filter((times) => times > 1)).toEqual([]);
    expect(await subscription.pull(1)).toEqual([]);
  }, 60_000);
});

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
