import type { Delivery, Handler } from '../../core/delivery.js';
import { errorRecord } from '../../core/errors/error-record.js';
import type { Middleware } from '../../core/middleware.js';
import type { Inbox } from '../../ports/inbox.js';
import { deadLetter, duplicate, type Ack, type Settlement } from '../../core/settlement.js';
import type { HandlerTable } from '../plan/handler-table.js';
import { keyOf } from '../dedupe/message-key.js';

/** Ends a transaction whose writes must not be kept, although the handler has not thrown. */
class NotDone extends Error {
  constructor(readonly settlement: Settlement) {
    super(`The run ended with ${settlement.kind}`);
  }
}

/**
 * For handlers with an `inbox`: the handler's writes take effect together with the note that they
 * were made. A message with a note does not run.
 */
export function inbox(
  store: Inbox,
  tables: ReadonlyMap<string, HandlerTable>,
  duplicateStep: (delivery: Delivery) => Ack | undefined,
): Middleware {
  return (delivery, next) =>
    once(store, tables, delivery, next).then(
      (done) => done ?? duplicateStep(delivery) ?? duplicate,
    );
}

/** Undefined: the message was handled before. */
async function once(
  store: Inbox,
  tables: ReadonlyMap<string, HandlerTable>,
  delivery: Delivery,
  next: Handler,
): Promise<Settlement | undefined> {
  const { key: kind, ttl } = delivery.handler!.inbox!;
  let key: string | undefined;
  try {
    key = keyOf(delivery, kind);
  } catch (error) {
    // The function has seen the whole message: later runs would fail in the same way.
    return deadLetter('unrecoverable', errorRecord(error));
  }
  // A message without a key of its own is noted by its id: there is no transaction without a note.
  const { stream, eventType, handler, id } = delivery;
  const what = { eventType, key: key ?? `@${id}` };
  const name = tables.get(stream)!.completionKey(handler!, 'inbox', what);
  try {
    const outcome = await store.run(name, ttl, async (transaction) => {
      delivery.transaction = transaction;
      const settlement = await next(delivery);
      if (settlement.kind !== 'ack') throw new NotDone(settlement);
      return settlement;
    });
    return outcome.duplicate ? undefined : outcome.result;
  } catch (error) {
    if (error instanceof NotDone) return error.settlement;
    throw error;
  }
}
