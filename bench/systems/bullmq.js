// @ts-check
/** BullMQ as its documentation shows it, with finished jobs removed: keeping them costs it more. */
import { Queue, Worker } from 'bullmq';
import { EVENT } from '../payload.js';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, concurrency }, handle) {
  const connection = { url, maxRetriesPerRequest: null };
  const worker = new Worker(streams[0] ?? '', async (job) => handle(job.data, 0), {
    connection,
    concurrency,
  });
  await worker.waitUntilReady();
  return () => worker.close();
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const queue = new Queue(stream, { connection: { url } });
  const opts = { removeOnComplete: true };
  await queue.waitUntilReady();
  return {
    publish: (payload) => queue.add(EVENT, payload, opts),
    publishBatch: (payloads) =>
      queue.addBulk(payloads.map((data) => ({ name: EVENT, data, opts }))),
    close: () => queue.close(),
  };
}
