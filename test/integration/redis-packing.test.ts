import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { pack, UNPACK } from '../../lib/drivers/redis/scripting/packing.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';

let server: RedisServer;
let client: Redis;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

/** What a script is given: texts as they are, numbers behind a #. */
const ECHO = `${UNPACK}
local seen = {}
for at, value in ipairs(ARGV) do
  seen[at] = type(value) == 'number' and string.format('#%.17g', value) or value
end
return seen`;

const seenOf = (packed: Buffer): Promise<unknown> => client.eval(ECHO, 0, packed);

it('texts of every length and alphabet arrive as they were', async () => {
  const letters = ['a', 'é', '€', '😀'];
  const lengths = [0, 1, 15, 31, 32, 33, 255, 256, 65_535, 65_536];
  const texts = lengths.flatMap((length) => letters.map((letter) => letter.repeat(length)));
  const odd = ['\0', 'ends with é', '"quoted"\n', 'a'.repeat(30) + '€'];
  const packed = pack((list) => [...texts, ...odd].forEach((text) => list.text(text)));
  expect(await seenOf(packed)).toEqual([...texts, ...odd]);
});

it('half a surrogate pair becomes what it becomes everywhere else on the way', async () => {
  const packed = pack((list) => list.text('a\ud800b'));
  expect(await seenOf(packed)).toEqual([Buffer.from('a\ud800b').toString()]);
});

it('numbers arrive as numbers', async () => {
  const numbers = [0, 1, 127, 128, 2 ** 32 - 1, 2 ** 32, Date.UTC(2100, 0), 1.5, -1, -40_000];
  const packed = pack((list) => numbers.forEach((number) => list.number(number)));
  expect(await seenOf(packed)).toEqual(numbers.map((number) => `#${number}`));
});

it('what failed while it was packed leaves nothing behind, nor does what was large', async () => {
  const fail = () =>
    pack((list) => {
      list.text('x'.repeat(3_000_000));
      throw new Error('no more');
    });
  expect(fail).toThrow('no more');
  expect(await seenOf(pack((list) => list.text('next')))).toEqual(['next']);
  const large = pack((list) => list.text('y'.repeat(3_000_000)));
  expect(await seenOf(pack((list) => list.number(7)))).toEqual(['#7']);
  expect(((await seenOf(large)) as string[])[0]).toHaveLength(3_000_000);
});
