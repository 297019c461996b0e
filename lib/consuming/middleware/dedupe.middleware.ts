import type { Codec } from '../../core/codecs/codec.js';
import type { Delivery, Handler } from '../../core/delivery.js';
import { isOurs } from '../../core/delivery-state.js';
import { errorRecord } from '../../core/errors/error-record.js';
import type { Middleware } from '../../core/middleware.js';
import {
  ack,
  deadLetter,
  duplicate,
  postpone,
  release,
  type Ack,
  type Settlement,
} from '../../core/settlement.js';
import type { Claims } from '../dedupe/claims.js';
import type { HandlerTable } from '../plan/handler-table.js';
import { keyOf } from '../dedupe/message-key.js';
import { decodeInto } from './decode.middleware.js';

/** What the key of a message is made of. */
export interface Naming {
  readonly codec: Codec;
  readonly tables: ReadonlyMap<string, HandlerTable>;
}

/** Wait after the store could not be reached, in milliseconds. */
const ASK_AGAIN = 1000;

/**
 * For handlers that deduplicate: runs a message whose key no run has completed and no other run
 * claims. Comes before runs are counted: a message with a completed key does not run, and one with
 * a claimed key waits uncounted.
 */
export function dedupe(
  claims: Claims,
  naming: Naming,
  isHalted: (delivery: Delivery) => boolean,
  duplicateStep: (delivery: Delivery) => Ack | undefined,
): Middleware {
  return (delivery, next) => {
    const obstacle = delivery.claim === undefined ? name(delivery, claims, naming) : undefined;
    if (obstacle) return Promise.resolve(obstacle);
    if (!delivery.claim) return next(delivery);
    return new Promise((resolve) => {
      claims.take(delivery, (outcome) => {
        if (outcome === 'claimed') return resolve(underClaim(delivery, next));
        remember(delivery);
        if (outcome === 'done') resolve(delivery.ifDone ?? duplicate);
        else if (outcome === 'held') resolve(postpone(claims.lookAgain));
        else resolve(postpone(ASK_AGAIN, errorRecord(outcome)));
      });
    });
  };

  /** Only while the delivery has its message: a retry has none until it is charged. */
  function remember(delivery: Delivery): void {
    if (delivery.message) delivery.ifDone ??= duplicateStep(delivery);
  }

  async function underClaim(delivery: Delivery, next: Handler): Promise<Settlement> {
    let settlement: Settlement = release;
    let done = false;
    try {
      if (!isHalted(delivery) && isOurs(delivery)) settlement = await next(delivery);
      // A step of a cancelled workflow, or a filtered message, is acknowledged although nothing was
      // done.
      done = settlement.kind === 'ack' && !settlement.unrun && !settlement.filtered;
    } finally {
      if (!done) {
        remember(delivery);
        claims.letGo(delivery);
      }
    }
    if (settlement.kind !== 'ack' || !done) return settlement;
    if (isOurs(delivery)) {
      const { ttl } = delivery.handler!.dedupe!;
      const completes = { claim: delivery.claim!, ttl };
      return settlement === ack ? { kind: 'ack', completes } : { ...settlement, completes };
    }
    // The messages that follow are not published, so another run has to do all of it.
    if (settlement.publish?.length || settlement.step?.arriving) claims.letGo(delivery);
    else await claims.completeApart(delivery);
    return settlement;
  }
}

/** A retry has its name already, and its entry has not been fetched again yet. */
function name(
  delivery: Delivery,
  claims: Claims,
  { codec, tables }: Naming,
): Settlement | undefined {
  // The stage `decode` makes a dead letter of it.
  if (!decodeInto(delivery, codec)) return undefined;
  try {
    const { stream, eventType } = delivery;
    const handler = delivery.handler!;
    const key = keyOf(delivery, handler.dedupe!.key);
    if (key === undefined) delivery.claim = null;
    else {
      const table = tables.get(stream)!;
      claims.name(delivery, table.completionKey(handler, 'dedupe', { eventType, key }));
    }
  } catch (error) {
    // The function has seen the whole message: later runs would fail in the same way.
    return deadLetter('unrecoverable', errorRecord(error));
  }
  return undefined;
}
