import type { Message } from './message.js';

/** The given map, or any events where none is given, as in `ReturnType<StreamConsumers['create']>`. */
type Known<Events extends object> = [keyof Events] extends [never]
  ? Record<string, unknown>
  : Events;

/** An event type of a map, or a pattern of event types: `*` matches any run of characters. */
export type EventTypeOf<Events extends object> =
  (keyof Known<Events> & string) | `${string}*${string}`;

/**
 * The message of an event type or pattern. With several event types in the map, `eventType` tells
 * which payload it is.
 *
 * ```ts
 * interface Events { 'order.paid': Order; 'order.refunded': Refund }
 *
 * function amount(message: MessageOf<Events, 'order.*'>): number {
 *   if (message.eventType === 'order.paid') return message.payload.total;
 *   return -message.payload.amount;
 * }
 * ```
 *
 * @typeParam Events map from event types to payloads
 * @typeParam E one or several event types or patterns. @default '*'
 */
export type MessageOf<
  Events extends object,
  E extends string = '*',
> = string extends keyof Known<Events>
  ? Message<Known<Events>[string & keyof Known<Events>]>
  : E extends keyof Known<Events>
    ? Message<Known<Events>[E], Matching<E>>
    : MessageOf<Events, Extract<keyof Known<Events>, Matching<E>>>;

/** The texts that a pattern matches. */
type Matching<Pattern extends string> = Pattern extends `${infer Before}*${infer After}`
  ? `${Before}${string}${Matching<After>}`
  : Pattern;
