// @ts-check
/** What waits in Redis Streams. */
import { EVENT, payloadJson } from '../payload.js';

/** Messages `first`, `first + step`, … below `total`, appended by the server itself. */
const FILL = `
for n = tonumber(ARGV[1]), ARGV[2] - 1, ARGV[3] do
  redis.call('XADD', KEYS[1], '*', 'event_type', ARGV[4], 'payload', ARGV[5] .. n .. ARGV[6])
end`;
/** Reading leaves the messages where they are. */
export const stays = true;

const AT_ONCE = 50_000;
const PAGE = 5000;

/** @typedef {import('ioredis').Redis} Redis */

/**
 * Spreads messages over streams. What is there stays there when a group has read it, so that it is
 * written once and each run reads it with a group of its own.
 *
 * @param {Redis} redis
 * @param {{ streams: readonly string[], total: number, size: number }} wanted
 */
export async function fill(redis, { streams, total, size }) {
  const step = streams.length;
  for (const [first, stream] of streams.entries()) {
    for (let from = first; from < total; from += step * AT_ONCE) {
      const below = Math.min(total, from + step * AT_ONCE);
      await append(redis, stream, { from, below, step, size });
    }
  }
}

/**
 * @param {Redis} redis
 * @param {string} stream
 * @param {{ from: number, below: number, size: number, step?: number }} wanted
 */
export async function append(redis, stream, { from, below, size, step = 1 }) {
  const { before, after } = payloadJson(size);
  await redis.eval(FILL, 1, stream, from, below, step, EVENT, before, after);
}

/**
 * Entries that a group has not read or not acknowledged.
 *
 * @param {Redis} redis
 * @param {{ streams: readonly string[], groups: readonly string[] }} where
 */
export async function unsettled(redis, { streams, groups }) {
  const replies = await Promise.all(streams.map((stream) => redis.xinfo('GROUPS', stream)));
  let found = 0;
  for (const rows of /** @type {any[][][]} */ (replies)) {
    for (const row of rows) {
      const field = (/** @type {string} */ name) => row[row.indexOf(name) + 1];
      if (groups.includes(field('name'))) found += field('pending') + field('lag');
    }
  }
  return found;
}

/** @param {Redis} redis @param {{ streams: readonly string[], groups: readonly string[] }} where */
export async function forgetGroups(redis, { streams, groups }) {
  const destroy = streams.flatMap((stream) =>
    groups.map((group) => redis.xgroup('DESTROY', stream, group)),
  );
  await Promise.all(destroy);
}

/**
 * How many messages were published, each of them once.
 *
 * @param {Redis} redis
 * @param {{ stream: string, total: number }} where
 */
export async function published(redis, { stream, total }) {
  const seen = new Uint8Array(total);
  let found = 0;
  for (let start = '-'; ;) {
    const page = await redis.xrange(stream, start, '+', 'COUNT', PAGE);
    for (const [, fields] of page) {
      const { n } = JSON.parse(fields[3] ?? '');
      if (seen[n] === 1) throw new Error(`Message ${n} was published twice`);
      seen[n] = 1;
      found++;
    }
    const last = page.at(-1);
    if (!last || page.length < PAGE) return found;
    start = `(${last[0]}`;
  }
}
