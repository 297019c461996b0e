import { expect, it } from 'vitest';
import { Fifo } from '../../lib/core/collections/fifo.js';

it('gives items back in the order in which they came', () => {
  const fifo = new Fifo<number>();
  expect(fifo.take()).toBeUndefined();
  expect(fifo.first).toBeUndefined();
  const taken: (number | undefined)[] = [];
  for (let n = 0; n < 1000; n++) {
    fifo.add(n);
    if (n % 3 === 0) {
      expect(fifo.first).toBe(taken.length);
      taken.push(fifo.take());
    }
  }
  expect(fifo.size).toBe(1000 - taken.length);
  taken.push(...fifo.takeAll());
  expect(taken).toEqual(Array.from({ length: 1000 }, (_, n) => n));
  expect(fifo.size).toBe(0);
  expect(fifo.take()).toBeUndefined();
});

it('keeps nothing of what was taken, also where it is never empty', () => {
  const fifo = new Fifo<object>();
  for (let n = 0; n < 10; n++) fifo.add({});
  for (let n = 0; n < 100_000; n++) {
    fifo.add({});
    fifo.take();
  }
  expect(fifo.size).toBe(10);
  const { items } = fifo as unknown as { items: unknown[] };
  expect(items.length).toBeLessThanOrEqual(21);
});
