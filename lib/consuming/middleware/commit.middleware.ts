import type { Committer } from '../../core/delivery.js';
import type { Middleware } from '../../core/middleware.js';

/** Where the consumer records how far it has come: lets the handler ask for a record. */
export function commit(committer: Committer): Middleware {
  return (delivery, next) => {
    delivery.committer = committer;
    return next(delivery);
  };
}
