// @ts-check
/** The loop that most tutorials show: a few entries per read, each handled and acknowledged in turn. */
import { Redis } from 'ioredis';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, groups }, handle) {
  const [stream = '', group = ''] = [streams[0], groups[0]];
  const redis = new Redis(url);
  let stopped = false;

  async function loop() {
    while (!stopped) {
      const reply = /** @type {any} */ (
        await redis.xreadgroup(
          'GROUP',
          group,
          'tutorial',
          'COUNT',
          10,
          'BLOCK',
          500,
          'STREAMS',
          stream,
          '>',
        )
      );
      for (const [id, fields] of reply?.[0][1] ?? []) {
        await handle(JSON.parse(fields[3]), 0);
        await redis.xack(stream, group, id);
      }
    }
  }

  await redis.xgroup('CREATE', stream, group, '0', 'MKSTREAM');
  const looping = loop();
  return async () => {
    stopped = true;
    await looping;
    await redis.quit();
  };
}
