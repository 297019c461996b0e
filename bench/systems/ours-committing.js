// @ts-check
import { consuming } from './ours.js';

/** Records every second how far it has come. @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const app = await consuming(options, handle, { commits: { interval: 1000 } });
  return () => app.close();
}
