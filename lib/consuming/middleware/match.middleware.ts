import { AnswerKind, RequestRun } from '../../core/answer.js';
import type { Codec } from '../../core/codec.js';
import type { Delivery } from '../../core/delivery.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { UndecodableError } from '../../core/errors/handling.errors.js';
import { NotARequestHandlerError } from '../../core/errors/request.errors.js';
import type { Middleware } from '../../core/handler.js';
import type { UnmatchedPolicy } from '../../core/handler-options.js';
import type { Replies } from '../../core/replies.js';
import { requestOf } from '../../core/request.js';
import { ack, deadLetter, filtered, leave, type Settlement } from '../../core/settlement.js';
import { noText } from '../decoded-message.js';
import type { HandlerTable } from '../handler-table.js';

export interface MatchOptions {
  readonly tables: ReadonlyMap<string, HandlerTable>;
  readonly codec: Codec;
  /** Without it nobody can ask, and every entry is an event. */
  readonly replies: Replies | undefined;
  /** Of answers. */
  readonly maxPayloadBytes: number;
}

/** Finds the handler by event type alone, before anything is parsed; others' events end here. */
export function match({ tables, codec, replies, maxPayloadBytes }: MatchOptions): Middleware {
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
      if (!delivery.eventType.isWellFormed()) throw noText(fields!);
    } catch (error) {
      return deadLetter('undecodable', errorRecord(new UndecodableError(codec.name, error)));
    }
    const header = replies && requestOf(fields!);
    if (header)
      return findForRequest(delivery, table, new RequestRun(header, replies, maxPayloadBytes));
    delivery.handler = table.find(delivery.eventType);
    return delivery.handler ? undefined : settlementOf(table.unmatched);
  }
}

function findForRequest(
  delivery: Delivery,
  table: HandlerTable,
  request: RequestRun,
): Settlement | undefined {
  const handler = table.findForRequest(delivery.eventType);
  // Another group may answer it; if none does, whoever asks learns it by the time limit.
  if (!handler) return table.unmatched === 'leave' ? leave : filtered;
  delivery.handler = handler;
  if (!handler.answers)
    return refusal(request, new NotARequestHandlerError(handler.name, delivery.eventType));
  delivery.request = request;
  return undefined;
}

function refusal(request: RequestRun, error: NotARequestHandlerError): Settlement {
  const reply = request.failure(error, AnswerKind.Refused);
  return { ...ack, unrun: 'refused', reply, error: errorRecord(error) };
}

function settlementOf(policy: UnmatchedPolicy): Settlement {
  if (policy === 'ack') return filtered;
  return policy === 'leave' ? leave : deadLetter('unmatched');
}
