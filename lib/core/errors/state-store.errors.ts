import { StreamsError } from './streams.error.js';

/**
 * A state store keeps as many keys as it may, and refused a new one. Nothing was written; existing keys can
 * be changed and deleted. While the store is full, messages of handlers with `dedupe` wait, and are tried again.
 */
export class StateStoreFullError extends StreamsError {
  static readonly code: string = 'STATE_STORE_FULL';
  static readonly advice: string =
    'Raise maxKeys where the process has the memory, shorten the ttl of the keys, delete keys that are no longer needed, or fill the slot stateStore with a driver that stores on disk or on a server.';

  /** @param maxKeys how many keys the store may keep */
  constructor(
    readonly store: string,
    readonly maxKeys: number,
  ) {
    super(
      StateStoreFullError.code,
      `The state store ${store} is full: it has ${maxKeys} keys, and refused a new one. ` +
        StateStoreFullError.advice,
    );
  }
}
