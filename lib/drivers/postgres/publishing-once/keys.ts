import type { IdempotencyWindow } from '../../../core/message.js';

/** For how long a key is remembered as `native`, in milliseconds: as on Redis. */
const NATIVE_WINDOW = 100_000;

/** For how long a key is remembered, in milliseconds. */
export const windowOf = (window: IdempotencyWindow): number =>
  window === 'native' ? NATIVE_WINDOW : Math.ceil(window);
