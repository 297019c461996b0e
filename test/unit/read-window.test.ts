import { beforeEach, describe, expect, it } from 'vitest';
import { EntrySizes, REPLY_BYTES } from '../../lib/drivers/redis/held-entries/entry-sizes.js';
import {
  ReadWindow,
  type Ask,
  type ReadBatch,
} from '../../lib/drivers/redis/reading/read-window.js';
import type { ReadKey } from '../../lib/drivers/redis/held-entries/redis.lease.js';

const ROUND = 500;
/** More than any test needs. */
const MOST_READS = 10_000;

let now: number;
let window: ReadWindow;
let sizes: EntrySizes;
/** Entries that wait, by stream. */
let waiting: Map<ReadKey, number>;
let keys: ReadKey[];
/** Characters of each entry. */
let size: number;
let asks: Ask[];
/** Number of entries of the last read. */
let last: number;
beforeEach(() => {
  now = 0;
  sizes = new EntrySizes();
  window = new ReadWindow(sizes, { now: () => now }, ROUND);
  waiting = new Map();
  size = 200;
  asks = [];
  last = 0;
});

function streams(count: number): void {
  keys = Array.from({ length: count }, (_, at) => {
    return { key: `s${at}`, stream: `s${at}`, redriven: false };
  });
  window.restart(keys);
}

/** As the subscription does with what it has read. */
function learn(batches: readonly ReadBatch[]): void {
  for (const { source, entries } of batches) {
    if (entries.length > 0) sizes.learn(source.key, entries[0]![1].join('').length);
  }
}

/** One read, after which so much time has passed. @returns how many entries it brought */
function read(entries = 150, ms = 1): number {
  const ask = window.next(keys, { entries, bytes: REPLY_BYTES });
  asks.push(ask);
  const batches: ReadBatch[] = [];
  for (const source of ask.sources) {
    const found = Math.min(ask.count, waiting.get(source) ?? 0);
    if (found === 0) continue;
    waiting.set(source, waiting.get(source)! - found);
    const fields = ['payload', 'x'.repeat(size)];
    batches.push({
      source,
      entries: Array.from({ length: found }, () => ['1-1', fields] as const),
    });
  }
  now += ms;
  last = window.brought(ask, batches);
  learn(batches);
  return last;
}

/** Fails where that takes more reads than any test needs. @returns the number of reads */
function readUntil(done: () => boolean, entries = 150): number {
  let reads = 0;
  for (; !done(); read(entries)) expect(reads++, 'reads').toBeLessThan(MOST_READS);
  return reads;
}

/** Reads until every stream has been found empty. */
const readUntilIdle = (): void => void readUntil(() => asks.at(-1)?.kind === 'all');

/** Reads until a read returns as many entries as it may. */
const readUntilFull = (): void => void readUntil(() => last === 150);

const drain = (entries = 150): number => readUntil(() => sum() === 0, entries);

const sum = (): number => [...waiting.values()].reduce((all, one) => all + one, 0);

describe('one busy stream among many idle ones', () => {
  it.each([2, 20, 200, 2000])('of %i is read many entries at a time', (count) => {
    streams(count);
    readUntilIdle();
    waiting.set(keys[count - 1]!, 6000);
    // At best 40 reads, and then a look at the others now and then.
    expect(drain()).toBeLessThan(60);
  });

  it('leaves every other one its turn within a round or two', () => {
    streams(2000);
    waiting.set(keys[7]!, Infinity);
    readUntilFull();
    const began = now;
    const seen = new Set<ReadKey>();
    readUntil(() => {
      for (const source of asks.at(-1)!.sources) seen.add(source);
      return seen.size === 2000;
    });
    expect(now - began).toBeLessThan(2 * ROUND);
  });

  it('is joined by another one that is busy, and they take turns', () => {
    streams(2000);
    waiting.set(keys[7]!, Infinity);
    readUntilFull();
    waiting.set(keys[1500]!, 600);
    const began = now;
    readUntil(() => waiting.get(keys[1500]!) === 0);
    expect(now - began).toBeLessThan(2 * ROUND);
  });
});

describe('many busy streams', () => {
  it('are read a few at a time, with entries worth an acknowledgement each', () => {
    streams(1000);
    for (const source of keys) waiting.set(source, 100);
    const reads = drain();
    expect(reads).toBeLessThan(1000);
    const usual = asks.filter(({ kind }) => kind === 'busy').map(({ count }) => count);
    expect(usual.filter((count) => count >= 25).length).toBeGreaterThan(reads * 0.9);
  });

  it('with few entries each are asked for many at a time', () => {
    streams(1000);
    for (const source of keys) waiting.set(source, 1);
    expect(drain()).toBeLessThan(50);
  });
});

describe('large entries', () => {
  it('are read as many at a time as one reply may hold', () => {
    streams(1);
    size = 200_000;
    waiting.set(keys[0]!, 150);
    expect(read()).toBe(8);
    expect(read()).toBe(5);
    size = 2_000_000;
    expect(read()).toBe(5);
    expect(read()).toBe(1);
  });

  it('are followed by more at a time, once they have become small', () => {
    streams(1);
    size = 1_000_000;
    waiting.set(keys[0]!, 10_000);
    read();
    expect(read()).toBe(1);
    size = 200;
    for (let reads = 0; reads < 10; reads++) read();
    expect(read()).toBe(150);
  });

  it('of one stream do not slow down the others', () => {
    streams(2);
    const [large, small] = keys as [ReadKey, ReadKey];
    waiting.set(large, Infinity).set(small, 3000);
    sizes = new EntrySizes();
    sizes.learn(large.key, 1_000_000);
    sizes.learn(small.key, 200);
    window = new ReadWindow(sizes, { now: () => now }, ROUND);
    window.restart(keys);
    let reads = 0;
    for (; waiting.get(small)! > 0; reads++) {
      const ask = window.next(keys, { entries: 150, bytes: REPLY_BYTES });
      const batches = ask.sources.map((source) => {
        const found = Math.min(ask.count, waiting.get(source)!);
        waiting.set(source, waiting.get(source)! - found);
        const fields = ['x'.repeat(source === large ? 1_000_000 : 200)];
        const entries = Array.from({ length: found }, () => ['1-1', fields] as const);
        return { source, entries };
      });
      window.brought(ask, batches);
      learn(batches);
    }
    expect(reads).toBeLessThan(60);
  });

  it('may be in any stream: a wait for all comes after each was found empty lately', () => {
    streams(2000);
    size = 100_000;
    for (const source of keys) waiting.set(source, 1);
    while (sum() > 0) expect(read()).toBeLessThanOrEqual(16);
    readUntilIdle();
    for (const source of keys) waiting.set(source, 1);
    now += 10_000;
    while (sum() > 0) expect(read()).toBeLessThanOrEqual(16);
  });
});

it('a single stream is always waited for', () => {
  streams(1);
  waiting.set(keys[0]!, 100);
  for (let reads = 0; reads < 5; reads++) read(1);
  expect(new Set(asks.map(({ kind }) => kind))).toEqual(new Set(['all']));
});
