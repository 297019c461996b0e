// @ts-check
import { ack } from '../../dist/core/settlement.js';
import { redis } from '../../dist/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../dist/runtime.js';
import { EVENT } from '../payload.js';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, groups, concurrency, retryDelay }, handle) {
  const runtime = new StreamsRuntime({
    source: redis({ url }),
    concurrency,
    backoff: { type: 'fixed', delay: retryDelay, jitter: 0 },
  });
  await runtime.start(
    groups.map((group, index) => ({
      name: `Bench.${group}`,
      events: [EVENT],
      options: { streams, group },
      async invoke(delivery) {
        await handle(/** @type {any} */ (delivery.message.payload), index);
        return ack;
      },
    })),
  );
  return () => runtime.close();
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const runtime = new StreamsRuntime({ source: redis({ url }) });
  await runtime.start([]);
  return {
    publish: (payload) => runtime.producer.publish({ eventType: EVENT, payload, stream }),
    publishBatch: (payloads) =>
      runtime.producer.publishBatch(
        payloads.map((payload) => ({ eventType: EVENT, payload, stream })),
      ),
    close: () => runtime.close(),
  };
}
