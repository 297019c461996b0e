// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { createGroup, published as ofDeliveries } from '../../backlogs/deliveries.js';
import { published as ofStream } from '../../backlogs/stream.js';
import { figure } from '../../statistics.js';

const TO_REDIS = 'to Redis';
const TO_POSTGRES = 'to PostgreSQL';
const BATCH = 500;
/** How often the outbox is looked at, ms. */
const POLL = 20;

/** @type {import('../../types.js').Workload} */
export default {
  name: 'postgres-relay',
  title: 'PostgreSQL: the relay of the outbox',
  text: 'Messages of 200 B, each with a key of its own, wait in the outbox. A process starts, and its relay publishes them with idempotency keys. The time runs from before the start until the outbox is empty.',
  measures: [{ key: 'rate', label: 'messages/s', compared: true }],
  cold: true,

  cases(quick) {
    const total = quick ? 20_000 : 50_000;
    const entrants = [TO_REDIS, TO_POSTGRES].map((label) => ({ label, system: 'relay', total }));
    return [{ label: '200 B', baseline: TO_REDIS, entrants }];
  },

  async run({ stage, entrant: { label, total = 0 } }) {
    const { client, url } = await stage.postgres();
    const stream = stage.freshName('bench');
    const target = label === TO_REDIS ? stage.url : undefined;
    const child = await stage.child('relay');
    if (!target) await createGroup(client, stream);
    await child.call('connect', { url, target, stream });
    await child.call('publish', { total, size: 200, inFlight: BATCH, batch: BATCH });
    await child.call('disconnect');
    const began = performance.now();
    const options = { url, target, streams: [], groups: [], concurrency: 1, retryDelay: 0 };
    await child.call('consume', { work: { total: 0 }, options });
    while (await isLeft(client)) await pause(POLL);
    const took = performance.now() - began;
    await child.call('stop');
    const found = target
      ? await ofStream(stage.redis, { stream, total })
      : await ofDeliveries(client, { stream });
    if (found !== total) throw new Error(`${found} of ${total} messages arrived ${label}`);
    return { rate: total / (took / 1000) };
  },

  figures([only]) {
    return {
      postgres_relay_to_redis_per_second: figure(only, TO_REDIS, 'rate').median,
      postgres_relay_to_postgres_per_second: figure(only, TO_POSTGRES, 'rate').median,
    };
  },
};

/** Whether there are messages in the outbox. @param {import('pg').Pool} pool */
async function isLeft(pool) {
  const { rows } = await pool.query('select exists (select from streams.outbox) as left');
  return rows[0].left;
}
