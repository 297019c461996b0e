import type { PoolClient } from 'pg';
import { InboxTransactionError } from '../errors/inbox.errors.js';

/** The client that a handler gets, and the end of it. */
export interface HandlersClient {
  readonly client: PoolClient;
  /** Refuses every further statement: the connection belongs to another message soon. Idempotent. */
  revoke(): void;
}

/**
 * Lends a client of a pool to a handler. The handler cannot give it back to the pool, and cannot send
 * a statement once its run is over.
 */
export function handlersClient(client: PoolClient): HandlersClient {
  let isRevoked = false;
  const query = (...given: unknown[]): unknown => {
    if (!isRevoked) return (client.query as (...given: unknown[]) => unknown)(...given);
    const error = new InboxTransactionError('late');
    const callback = given.at(-1);
    if (typeof callback !== 'function') return Promise.reject(error);
    queueMicrotask(() => (callback as (error: Error) => void)(error));
    return undefined;
  };
  const release = (): never => {
    throw new InboxTransactionError('released');
  };
  const replaced = { query, release };
  const lent = new Proxy(client, {
    get(target, name) {
      if (name === 'query' || name === 'release') return replaced[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return { client: lent, revoke: () => void (isRevoked = true) };
}
