import type { Codec } from '../../core/codec.js';
import type { Delivery } from '../../core/delivery.js';
import { errorRecord, UndecodableError } from '../../core/errors.js';
import type { Middleware } from '../../core/handler.js';
import type { UnmatchedPolicy } from '../../core/handler-options.js';
import { deadLetter, filtered, leave, type Settlement } from '../../core/settlement.js';
import type { HandlerTable } from '../handler-table.js';

/** Finds the handler by event type alone, before anything is parsed; others' events end here. */
export function match(tables: ReadonlyMap<string, HandlerTable>, codec: Codec): Middleware {
  return (delivery, next) => {
    // A retry was matched before, and its entry has not been fetched again yet.
    const obstacle = delivery.handler ? undefined : findHandler(delivery);
    return obstacle ? Promise.resolve(obstacle) : next(delivery);
  };

  function findHandler(delivery: Delivery): Settlement | undefined {
    const { fields, stream } = delivery.lease;
    const table = tables.get(stream)!;
    try {
      delivery.eventType = codec.eventType(fields!, stream);
    } catch (error) {
      return deadLetter('undecodable', errorRecord(new UndecodableError(codec.name, error)));
    }
    delivery.handler = table.find(delivery.eventType);
    return delivery.handler ? undefined : settlementOf(table.unmatched);
  }
}

function settlementOf(policy: UnmatchedPolicy): Settlement {
  if (policy === 'ack') return filtered;
  return policy === 'leave' ? leave : deadLetter('unmatched');
}
