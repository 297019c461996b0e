// @ts-check
/** Publish and subscribe keeps nothing; only how often it was published is known. */

export const stays = false;

/** @typedef {import('ioredis').Redis} Redis */

export async function fill() {
  throw new Error('A channel cannot be filled before a listener has subscribed');
}

export async function unsettled() {
  return 0;
}

export async function forgetGroups() {}

/** @param {Redis} redis */
export async function published(redis) {
  const stats = await redis.info('commandstats');
  await redis.config('RESETSTAT');
  return Number(/cmdstat_publish:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}
