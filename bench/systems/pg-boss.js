// @ts-check
/**
 * pg-boss as its documentation shows it, batches of 100. Its workers wait for at least half a second
 * between two fetches; while there are jobs the worker is notified, so that it goes on at once.
 */
import PgBoss from 'pg-boss';
import { EVENT } from '../payload.js';

/** The shortest that pg-boss takes, s. */
const POLL = 0.5;

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams }, handle) {
  const boss = await started(url, streams[0] ?? '');
  const options = { batchSize: 100, pollingIntervalSeconds: POLL };
  const id = await boss.work(streams[0] ?? '', options, async (jobs) => {
    await Promise.all(jobs.map(async ({ data }) => handle(/** @type {any} */ (data), 0)));
    boss.notifyWorker(id);
  });
  return () => boss.stop({ graceful: true, wait: true, timeout: 5000 });
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const boss = await started(url, stream);
  return {
    publish: (payload) => boss.send(stream, payload),
    publishBatch: (payloads) => boss.insert(payloads.map((data) => ({ name: stream, data }))),
    close: () => boss.stop({ graceful: true, wait: true, timeout: 5000 }),
  };
}

/** @param {string} url @param {string} queue */
export async function started(url, queue) {
  const boss = new PgBoss({ connectionString: url, schedule: false, supervise: true });
  boss.on('error', (error) => console.error(`${EVENT}: ${error.message}`));
  await boss.start();
  await boss.createQueue(queue);
  return boss;
}
