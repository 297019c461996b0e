/**
 * The key of the lock of a stream in the table `lease`. JSON escapes all that no text of PostgreSQL
 * takes.
 * @param prefix the key prefix, as it is stored
 */
export const lockKey = (prefix: string, stream: string): string =>
  `owned:${JSON.stringify([prefix, stream])}`;
