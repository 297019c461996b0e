import { beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { ByteCapacity, ReadBudget } from '../../lib/drivers/redis/held-entries/read-budget.js';
import type { RedisLease } from '../../lib/drivers/redis/held-entries/redis.lease.js';

it('readers share the bytes of a process equally, and get back the share of one that leaves', () => {
  const budget = new ReadBudget(8_000_000);
  expect(budget.share).toBe(8_000_000);
  const [leave] = [budget.join(), budget.join(), budget.join(), budget.join()];
  expect(budget.share).toBe(2_000_000);
  leave!();
  leave!();
  expect(Math.round(budget.share)).toBe(2_666_667);
});

it('each reader may hold some bytes, however many readers there are', () => {
  const budget = new ReadBudget(100_000);
  for (let readers = 0; readers < 1000; readers++) budget.join();
  expect(budget.share).toBe(65_536);
});

describe('of a share of a million bytes', () => {
  const held = { bytes: 0, adoptedBytes: 0, resize: () => undefined };
  let capacity: ByteCapacity;
  beforeEach(() => {
    Object.assign(held, { bytes: 0, adoptedBytes: 0 });
    capacity = new ByteCapacity(
      { share: 1_000_000 },
      held,
      { replyBytes: 1_000_000 },
      new EventBus(),
    );
    return () => capacity.close();
  });

  /** A retry whose data has to be fetched. */
  const retry = () => {
    const lease = { size: 0, fetched: 100_000, fields: undefined } as unknown as RedisLease;
    return capacity.begin(lease, async () => 'started');
  };

  it('new entries leave a quarter to retries', async () => {
    held.bytes = 600_000;
    expect(capacity.forRead(100_000)).toBe(150_000);
    held.bytes = 700_000;
    expect(capacity.forRead(100_000)).toBe(0);
    expect(await retry()).toBe('started');
  });

  it('nothing new is read while a retry waits for room', async () => {
    held.bytes = 1_000_000;
    expect(await retry()).toBe('later');
    held.bytes = 0;
    expect(capacity.forRead(100_000)).toBe(0);
    expect(await retry()).toBe('started');
    expect(capacity.forRead(100_000)).toBe(750_000);
  });

  it('a read waits for room no longer than it may, and what waits is known', async () => {
    held.bytes = 1_000_000;
    expect(capacity.fullFor).toBe(0);
    await capacity.untilMayRead(() => 100_000, 5);
    expect(capacity.forRead(100_000)).toBe(0);
    expect(capacity.fullFor).toBeGreaterThan(0);
    const reads = capacity.untilMayRead(() => 100_000, 3_600_000);
    held.bytes = 0;
    capacity.onLess!();
    await reads;
    expect(capacity.fullFor).toBe(0);
  });

  it('entries that are taken over fill a half', () => {
    held.bytes = 200_000;
    expect(capacity.ofAdoption).toBe(800_000);
    Object.assign(held, { bytes: 600_000, adoptedBytes: 400_000 });
    expect(capacity.ofAdoption).toBe(100_000);
    Object.assign(held, { bytes: 700_000, adoptedBytes: 500_000 });
    expect(capacity.ofAdoption).toBe(0);
  });

  it('entries that are taken over before new ones leave a quarter, too', () => {
    held.bytes = 600_000;
    expect(capacity.ofTakeover).toBe(150_000);
  });

  it('one entry is always fetched, however large it is', () => {
    expect(capacity.forRead(5_000_000)).toBeGreaterThan(0);
    held.bytes = 5_000_000;
    expect([capacity.ofAdoption, capacity.ofTakeover]).toEqual([1, 1]);
  });
});
