// @ts-check
import { consuming } from './ours.js';

/**
 * Messages of so many keys, those of one key in order.
 *
 * @param {number} keys
 * @returns {NonNullable<import('../types.js').System['consume']>}
 */
export function ordered(keys) {
  return async (options, handle) => {
    const app = await consuming(options, handle, undefined, {
      orderBy: ({ payload }) => /** @type {import('../types.js').Payload} */ (payload).n % keys,
    });
    return () => app.close();
  };
}
