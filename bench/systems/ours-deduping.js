// @ts-check
import { consuming } from './ours.js';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const app = await consuming(options, handle, {}, { dedupe: true });
  return () => app.close();
}
