import { expect, test } from 'vitest';
import type { Database } from '../../lib/drivers/postgres/connection/database.js';
import { Streams } from '../../lib/drivers/postgres/streams/streams.js';

const REMEMBERED = 100_000;
const AT_ONCE = 1000;

/** Gives each name the number that it ends with, and counts the names that are asked for. */
class Server {
  asked = 0;

  query(_action: string, _text: string, [, names]: readonly [string, readonly string[]]) {
    this.asked += names.length;
    return Promise.resolve({ rows: names.map((name, at) => ({ at: at + 1, id: numberIn(name) })) });
  }
}

const numberIn = (name: string): number => Number(name.slice(name.indexOf('-') + 1));
const namesFrom = (first: number, count: number): string[] =>
  Array.from({ length: count }, (_, at) => `order-${first + at}`);

test('a process that uses ever new streams remembers a limited number of them', async () => {
  const server = new Server();
  const streams = new Streams(server as unknown as Database, '');
  for (let first = 0; first < REMEMBERED + AT_ONCE; first += AT_ONCE) {
    await streams.idsOf(namesFrom(first, AT_ONCE));
  }
  expect(streams.known(['order-0'])).toBeUndefined();
  expect(streams.known([`order-${AT_ONCE}`])).toEqual([AT_ONCE]);
  expect(server.asked).toBe(REMEMBERED + AT_ONCE);
  expect(await streams.idsOf(['order-0', `order-${REMEMBERED}`])).toEqual([0, REMEMBERED]);
  expect(server.asked).toBe(REMEMBERED + AT_ONCE + 1);
});

test('more streams at once than are remembered get their numbers', async () => {
  const streams = new Streams(new Server() as unknown as Database, '');
  const names = namesFrom(0, REMEMBERED + 1);
  expect(await streams.idsOf(names)).toEqual(names.map(numberIn));
});
