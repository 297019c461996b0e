import { afterEach, describe, expect, test, vi } from 'vitest';
import type { ReadRecord } from '../../lib/drivers/kafka/connection/kafka-client.js';
import { Parked } from '../../lib/drivers/kafka/retries/parked.js';
import { readRetry, retryHeaders } from '../../lib/drivers/kafka/retries/retry-record.js';
import { Retries } from '../../lib/drivers/kafka/retries/retries.js';
import { tierOf, TIERS } from '../../lib/drivers/kafka/retries/tiers.js';

describe('the partition of a retry', () => {
  const MINUTE = 60_000;
  for (const [wait, tier] of [
    [-5, 0],
    [0, 0],
    [2 * MINUTE, 0],
    [2 * MINUTE + 1, 1],
    [15 * MINUTE, 2],
    [60 * MINUTE, 3],
    [24 * 60 * MINUTE, 5],
    [1e12, 6],
  ] as const) {
    test(`is ${tier} for a wait of ${wait} ms`, () => expect(tierOf(wait)).toBe(tier));
  }

  test('is one that the topic has', () => {
    expect(TIERS).toBe(7);
    expect([tierOf(1e12, 3), tierOf(0, 3), tierOf(1e12, 1)]).toEqual([2, 0, 0]);
  });
});

describe('the record of a retry', () => {
  const original = { trace: Buffer.from('x'), nothing: null };
  const read = (headers: ReadRecord['headers']) =>
    readRetry({ key: null, value: Buffer.from('v'), headers });
  const bytes = (headers: ReturnType<typeof retryHeaders>) =>
    Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, Buffer.from(value as string)]),
    );

  test('has the original as it was, attempts and the time when it is due', () => {
    const retried = { stream: 'orders', id: '3-120', publishedAt: 5, attempts: 2, dueAt: 1e12 };
    const record = { key: null, value: Buffer.from('v'), headers: original };
    expect(read(bytes(retryHeaders(original, retried)))).toEqual({ ...retried, record });
    const redriven = { ...retried, attempts: 0, redrive: 17 };
    expect(read(bytes(retryHeaders(original, redriven)))).toEqual({
      ...{ ...redriven, redriven: true, record },
    });
  });

  test('is never due before its time', () => {
    const retried = { stream: 's', id: '0-1', publishedAt: 5, attempts: 2, dueAt: 1000.25 };
    expect(read(bytes(retryHeaders({}, retried)))?.dueAt).toBe(1001);
  });

  test('of another program is none', () => {
    expect(read({ any: Buffer.from('x') })).toBeUndefined();
    const retried = { stream: 's', id: '0-1', publishedAt: 5, attempts: 2, dueAt: 1000 };
    const spoilt = {
      ...bytes(retryHeaders({}, retried)),
      'streams-retry-due': Buffer.from('soon'),
    };
    expect(read(spoilt)).toBeUndefined();
  });
});

describe('parked records', () => {
  test('are taken when they are due, those first that are due first', () => {
    const parked = new Parked<string>();
    parked.add('c', 30, 1);
    parked.add('a', 10, 1);
    parked.add('b', 20, 1);
    expect([parked.nextDue, parked.takeDue(9, 10)]).toEqual([10, []]);
    expect(parked.takeDue(20, 1)).toEqual(['a']);
    expect(parked.takeDue(20, 10)).toEqual(['b']);
    expect([parked.size, parked.nextDue]).toEqual([1, 30]);
    expect(parked.takeDue(30, 10)).toEqual(['c']);
    expect([parked.size, parked.bytes, parked.nextDue]).toEqual([0, 0, undefined]);
  });

  test('that are due at the same time keep their order', () => {
    const parked = new Parked<number>();
    for (let item = 0; item < 100; item++) parked.add(item, 5, 1);
    expect(parked.takeDue(5, 200)).toEqual(Array.from({ length: 100 }, (_, item) => item));
  });

  test('come in order, however they were added and taken', () => {
    const parked = new Parked<number>();
    const taken: number[] = [];
    let random = 7;
    for (let turn = 0; turn < 5000; turn++) {
      random = (random * 48_271) % 2_147_483_647;
      const dueAt = turn + (random % 1000);
      parked.add(dueAt, dueAt, 1);
      if (turn % 3 === 0) taken.push(...parked.takeDue(turn, 2));
    }
    const left = parked.takeDue(1e9, 1e9);
    expect(taken.length + left.length).toBe(5000);
    expect(left.length).toBeGreaterThan(1000);
    expect(left).toEqual(left.toSorted((a, b) => a - b));
  });

  test('are full by number, and by bytes', () => {
    const parked = new Parked<number>(2, 100);
    parked.add(1, 1, 10);
    expect(parked.isFull).toBe(false);
    parked.add(2, 2, 10);
    expect(parked.isFull).toBe(true);
    parked.takeDue(1, 1);
    expect(parked.isFull).toBe(false);
    parked.add(3, 3, 95);
    expect([parked.isFull, parked.bytes]).toEqual([true, 105]);
    parked.clear();
    expect([parked.isFull, parked.size, parked.bytes]).toEqual([false, 0, 0]);
  });
});

describe('records of settled retries', () => {
  afterEach(() => void vi.useRealTimers());

  /** Says which topics were trimmed. */
  const trimmed = () => {
    const calls: string[] = [];
    const trim = async (stream: string, group: string) => void calls.push(`${group} of ${stream}`);
    const ensure = () => Promise.reject(new Error('Nothing is put off here.'));
    return { calls, retries: new Retries({ trim, ensure }) };
  };

  test('are deleted once a minute at most while retries are settled', async () => {
    vi.useFakeTimers();
    const { calls, retries } = trimmed();
    const [orders, mails] = [retries.trimOf('orders', 'shop'), retries.trimOf('mails', 'shop')];
    for (let second = 0; second < 90; second++) {
      orders.soon();
      if (second === 30) mails.soon();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(calls).toEqual(['shop of orders', 'shop of mails']);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(calls).toEqual(['shop of orders', 'shop of mails', 'shop of orders']);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(calls).toHaveLength(3);
  });

  test('are deleted at once where the consumer leaves, and not any more once the driver is closed', async () => {
    vi.useFakeTimers();
    const { calls, retries } = trimmed();
    const orders = retries.trimOf('orders', 'shop');
    orders.soon();
    await orders.now();
    expect([calls, vi.getTimerCount()]).toEqual([['shop of orders'], 0]);
    orders.soon();
    await retries.close();
    orders.soon();
    await orders.now();
    expect([calls, vi.getTimerCount()]).toEqual([['shop of orders'], 0]);
  });
});
