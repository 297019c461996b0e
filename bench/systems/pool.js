// @ts-check
/**
 * The best loop that we could write by hand with ioredis: bounded concurrency whose slots are
 * refilled one by one, large reads, acknowledgements that gather while one is under way. No retries,
 * no recovery, no graceful end: what a library may cost is measured against it.
 */
import { Redis } from 'ioredis';
import { EVENT } from '../payload.js';

const READ_SIZE = 500;

/** @typedef {[id: string, fields: string[]]} Entry */

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, groups, concurrency }, handle) {
  const stream = streams[0] ?? '';
  const group = groups[0] ?? '';
  const consumer = `pool-${process.pid}`;
  const [reader, commands] = [new Redis(url), new Redis(url)];
  let stopped = false;
  let running = 0;
  /** @type {(() => void) | undefined} */
  let slotFreed;
  /** @type {string[]} */
  let done = [];
  let acking = false;

  async function acknowledge() {
    acking = true;
    while (done.length > 0) {
      const ids = done;
      done = [];
      await commands.xack(stream, group, ...ids);
    }
    acking = false;
  }

  /** @param {Entry} entry */
  async function run([id, fields]) {
    await handle(JSON.parse(fields[3] ?? ''), 0);
    running--;
    slotFreed?.();
    done.push(id);
    if (!acking) {
      acking = true;
      setImmediate(() => void acknowledge());
    }
  }

  async function loop() {
    const read = /** @type {(...args: (string | number)[]) => Promise<any>} */ (
      reader.xreadgroup.bind(reader)
    );
    const limits = ['COUNT', READ_SIZE, 'BLOCK', 5000, 'STREAMS', stream, '>'];
    while (!stopped) {
      const reply = await read('GROUP', group, consumer, ...limits);
      for (const entry of reply?.[0][1] ?? []) {
        if (running >= concurrency) await new Promise((resolve) => (slotFreed = () => resolve(0)));
        running++;
        void run(entry);
      }
    }
  }

  await commands.xgroup('CREATE', stream, group, '0', 'MKSTREAM').catch(ifNotThere);
  const looping = loop().catch(ifStopped);
  return async () => {
    stopped = true;
    reader.disconnect();
    await looping;
    await commands.quit();
  };

  /** @param {Error} error */
  function ifStopped(error) {
    if (!stopped) throw error;
  }
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const redis = new Redis(url);
  return {
    publish: (payload) =>
      redis.xadd(stream, '*', 'event_type', EVENT, 'payload', JSON.stringify(payload)),
    publishBatch(payloads) {
      const pipeline = redis.pipeline();
      for (const payload of payloads) {
        pipeline.xadd(stream, '*', 'event_type', EVENT, 'payload', JSON.stringify(payload));
      }
      return pipeline.exec();
    },
    close: () => redis.quit(),
  };
}

/** Another process of the group was faster. @param {Error} error */
function ifNotThere(error) {
  if (!error.message.startsWith('BUSYGROUP')) throw error;
}
