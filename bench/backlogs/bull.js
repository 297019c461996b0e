// @ts-check
/** What waits in a BullMQ queue. */
import { Queue } from 'bullmq';
import { EVENT, payloadMaker } from '../payload.js';

const AT_ONCE = 1000;

export const stays = false;

/** @typedef {import('ioredis').Redis} Redis */

/**
 * @param {Redis} redis
 * @param {{ streams: readonly string[], total: number, size: number, retryDelay: number }} wanted
 */
export async function fill(redis, { streams, total, size, retryDelay }) {
  const make = payloadMaker(size);
  const backoff = { type: 'fixed', delay: retryDelay };
  const opts = { removeOnComplete: true, attempts: 5, backoff };
  await withQueue(redis, streams[0], async (queue) => {
    for (let from = 0; from < total; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, total - from);
      const jobs = Array.from({ length }, (_, n) => ({ name: EVENT, data: make(from + n), opts }));
      await queue.addBulk(jobs);
    }
  });
}

/** Jobs that are not finished. @param {Redis} redis @param {{ streams: readonly string[] }} where */
export async function unsettled(redis, { streams }) {
  const counts = await withQueue(redis, streams[0], (queue) => queue.getJobCounts());
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Finished jobs remove themselves. */
export async function forgetGroups() {}

/** @param {Redis} redis @param {{ stream: string }} where */
export async function published(redis, { stream }) {
  const waiting = await withQueue(redis, stream, (queue) => queue.getWaiting());
  return new Set(waiting.map((job) => job.data.n)).size;
}

/**
 * @template T
 * @param {Redis} redis
 * @param {string | undefined} name
 * @param {(queue: Queue) => Promise<T>} use
 */
async function withQueue(redis, name = '', use) {
  const { host, port } = redis.options;
  const queue = new Queue(name, { connection: { host, port } });
  try {
    return await use(queue);
  } finally {
    await queue.close();
  }
}
