// @ts-check
import { setTimeout as pause } from 'node:timers/promises';

const EVERY = 50;

/** What the server has in use for data, MB. @param {import('ioredis').Redis} redis */
export async function usedMemory(redis) {
  const info = await redis.info('memory');
  return Number(/^used_memory_dataset:(\d+)/m.exec(info)?.[1]) / 2 ** 20;
}

/**
 * Does something, and notes what the server uses meanwhile, and at the end.
 *
 * @template T
 * @param {import('ioredis').Redis} redis
 * @param {() => Promise<T>} work
 * @returns {Promise<{ result: T, used: number[] }>}
 */
export async function whileWatched(redis, work) {
  const done = new AbortController();
  /** @type {number[]} */
  const used = [];
  const watching = (async () => {
    while (!done.signal.aborted) {
      used.push(await usedMemory(redis));
      await pause(EVERY);
    }
  })();
  try {
    return { result: await work(), used };
  } finally {
    done.abort();
    await watching;
  }
}
