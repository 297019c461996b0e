import { EVENT_NAMES } from '../../core/event-names.js';
import type { StreamsEventName, StreamsEvents } from '../../core/events.js';
import { checked, text } from '../../core/option-schema/kinds.js';
import { refuse } from '../../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../../core/option-schema/shape.js';

const OPTIONS = declareOptions('@OnStreamEvent', {
  /** Name of the module whose events the method gets. @default all modules of the application */
  name: text(),
});

const known: ReadonlySet<unknown> = new Set(EVENT_NAMES);
/** A message with all names would be too long. */
const EVENT = checked<StreamsEventName>('the name of an event: docs/events.md', (name) =>
  known.has(name),
).required();

/** Which modules a method with `@OnStreamEvent` listens to. */
export interface StreamEventOptions extends Given<typeof OPTIONS> {}

/** An event that a method listens to. */
export interface StreamEventMark extends StreamEventOptions {
  readonly event: StreamsEventName;
}

/** @internal */
export const STREAM_EVENTS = Symbol('nestjs-redis-streams:on-stream-event');

/** A decorator for methods that take this event. */
type ListenerOf<N extends StreamsEventName> = <
  M extends (event: StreamsEvents[N], name: string) => unknown,
>(
  target: object,
  method: string | symbol,
  descriptor: TypedPropertyDescriptor<M>,
) => void;

/**
 * Calls a method of a provider or controller with each event of this name: docs/events.md. Its second
 * argument is the name of the module that has raised the event. An error that the method throws, or
 * with which its promise rejects, is emitted as `listener-failed`, and does no other harm. A method may
 * have several of these decorators.
 *
 * ```ts
 * @OnStreamEvent('dead-lettered')
 * async page({ stream, id, reason }: SettledEvent, module: string) { … }
 * ```
 * @param event name of the event
 * @throws InvalidOptionsError
 */
export function OnStreamEvent<N extends StreamsEventName>(
  event: N,
  options: StreamEventOptions = {},
): ListenerOf<N> {
  refuse(EVENT.problems(event, 'event'), OPTIONS.problems(options));
  return (_target, _method, descriptor) => {
    const method = descriptor.value!;
    const others = (Reflect.getMetadata(STREAM_EVENTS, method) ?? []) as StreamEventMark[];
    Reflect.defineMetadata(STREAM_EVENTS, [...others, { ...options, event }], method);
  };
}
