// @ts-check
import { consuming } from './ours.js';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const all = (/** @type {any} */ payloads, /** @type {number} */ group) => {
    for (const payload of payloads) void handle(payload, group);
  };
  const app = await consuming(options, all, {}, { batch: { size: 100, maxWait: 50 } });
  return () => app.close();
}
