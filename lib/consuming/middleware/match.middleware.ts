import { AnswerKind, RequestRun } from '../../core/answer.js';
import type { Codec } from '../../core/codecs/codec.js';
import type { Delivery } from '../../core/delivery.js';
import type { UnhandledEvent } from '../../core/unhandled-event.js';
import { disarm } from '../../core/returned-promise.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { UndecodableError } from '../../core/errors/handling.errors.js';
import { NotARequestHandlerError } from '../../core/errors/request.errors.js';
import type { Replies } from '../../ports/replies.js';
import { REQUEST_FIELD, requestOf } from '../../core/request-header.js';
import { ack, deadLetter, release, unhandled, type Settlement } from '../../core/settlement.js';
import { noText } from './decode.middleware.js';
import type { FilteredTypes } from '../plan/filtered-types.js';
import type { HandlerTable } from '../plan/handler-table.js';
import { unhandledEvent } from '../plan/unhandled-event.js';

export interface MatchOptions {
  readonly tables: ReadonlyMap<string, HandlerTable>;
  readonly codec: Codec;
  /** Without this port no client can send requests, and every entry is an event. */
  readonly replies: Replies | undefined;
  /** Limit for answers. */
  readonly maxPayloadBytes: number;
  /** Other consumers of the group may take events that no handler of this consumer takes. */
  readonly looksElsewhere: boolean;
  readonly filteredTypes: FilteredTypes;
}

/**
 * Finds the handler by event type alone, before anything is parsed. Answers what becomes of a delivery
 * that no handler here takes, and undefined where there is a handler.
 */
export function match(options: MatchOptions): (delivery: Delivery) => Settlement | undefined {
  const { tables, codec, replies, maxPayloadBytes } = options;
  return findHandler;

  function findHandler(delivery: Delivery): Settlement | undefined {
    const { fields, stream } = delivery.lease;
    const table = tables.get(stream)!;
    if (delivery.unhandled) return again(delivery, table);
    try {
      const eventType: unknown = codec.eventType(fields!, stream);
      if (typeof eventType !== 'string') throw noEventType(eventType);
      delivery.eventType = eventType;
      if (!delivery.eventType.isWellFormed()) throw noText(fields!);
    } catch (error) {
      return deadLetter('undecodable', errorRecord(new UndecodableError(codec.name, error)));
    }
    const asksFor = replies && fields![fields!.length - 2] === REQUEST_FIELD;
    const header = asksFor && requestOf(fields!);
    if (header)
      return findForRequest(delivery, table, new RequestRun(header, replies, maxPayloadBytes));
    delivery.handler = table.find(delivery.eventType);
    return delivery.handler ? undefined : notHere(delivery, unhandledEvent(table, false));
  }

  function findForRequest(
    delivery: Delivery,
    table: HandlerTable,
    request: RequestRun,
  ): Settlement | undefined {
    const handler = table.findForRequest(delivery.eventType);
    if (!handler) return notHere(delivery, unhandledEvent(table, true));
    delivery.handler = handler;
    if (!handler.answers)
      return refusal(request, new NotARequestHandlerError(handler.name, delivery.eventType));
    delivery.request = request;
    return undefined;
  }

  function notHere(delivery: Delivery, event: UnhandledEvent): Settlement {
    if (options.looksElsewhere) {
      delivery.unhandled = event;
      return unhandled;
    }
    if (event.otherwise.kind === 'ack') options.filteredTypes.tell(delivery);
    return event.otherwise;
  }
}

/**
 * The delivery has waited, and its entry was not fetched again. A handler that was added meanwhile
 * needs the entry.
 */
function again({ eventType }: Delivery, table: HandlerTable): Settlement {
  return table.find(eventType) ? release : unhandled;
}

function refusal(request: RequestRun, error: NotARequestHandlerError): Settlement {
  const reply = request.failure(error, AnswerKind.Refused);
  return { ...ack, unrun: 'refused', reply, error: errorRecord(error) };
}

/** A codec of the application may return anything. */
function noEventType(eventType: unknown): TypeError {
  disarm(eventType);
  return new TypeError(`its event type is a value of type ${typeof eventType}, not a text`);
}
