import { setImmediate as turn } from 'node:timers/promises';
import type { Handler } from '../core/delivery.js';
import type { Balancer } from './balancer.js';
import type { OwnedStream } from './owned-stream.js';

/**
 * Waits until the lease is fresh. Each run waits for a turn of the event loop of its own: of
 * several that arrive together, the second must not rely on what was true before the first one
 * blocked the loop.
 */
async function untilFresh(balancer: Balancer): Promise<void> {
  for (;;) {
    await turn();
    const waiting = balancer.fresh();
    // Where the server cannot be reached, only the fence counts.
    if (!waiting || !(await waiting)) return;
  }
}

/**
 * Runs a handler with most of the lease still ahead, because a handler that blocks the event loop
 * also blocks the heartbeat. Aborts the run at once when the stream is lost.
 */
export function whileOwned(balancer: Balancer, invoke: Handler): Handler {
  return async (delivery) => {
    await untilFresh(balancer);
    const { signal } = delivery.lease.owned as OwnedStream;
    const tell = (): void => delivery.abort(signal.reason as Error);
    signal.throwIfAborted();
    signal.addEventListener('abort', tell, { once: true });
    try {
      return await invoke(delivery);
    } finally {
      signal.removeEventListener('abort', tell);
    }
  };
}
