// @ts-check
import { consuming } from './ours.js';

/** Deletes what is settled. @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const app = await consuming(options, handle, { retention: 'deleteWhenSettled' });
  return () => app.close();
}
