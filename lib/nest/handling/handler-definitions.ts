import type { MessageHandler } from '@nestjs/microservices';
import { InvalidOptionsError } from '../../core/errors.js';
import type { Handler } from '../../core/delivery.js';
import type { HandlerDefinition } from '../../core/handler.js';
import { createInvoker, type ProcessingHooks } from './handler-invoker.js';
import { STREAM_HANDLER, type StreamHandlerMark } from './stream-handler.decorator.js';
import { readHandlerOptions } from './stream-handler.options.js';

/** What Nest hands to `addHandler`, for each pattern of each decorated method. */
export interface Registration {
  readonly pattern: unknown;
  readonly callback: MessageHandler;
  readonly isEventHandler: boolean;
  readonly extras: Readonly<Record<PropertyKey, unknown>>;
}

type Warn = (code: string, message: string) => void;

/**
 * One definition for each method, whatever the number of its events, and one for each `@EventPattern`.
 * @throws InvalidOptionsError
 */
export function defineHandlers(
  registrations: readonly Registration[],
  hooks: ProcessingHooks,
  warn: Warn,
): HandlerDefinition[] {
  const problems: string[] = [];
  const definitions = methodsOf(registrations).flatMap((patterns): HandlerDefinition[] => {
    const [first] = patterns as [Registration];
    if (!first.isEventHandler) {
      warnOfRequestHandler(first, warn);
      return [];
    }
    const mark = markOf(first);
    const events = patterns.map(({ pattern }) => eventOf(pattern, mark, problems));
    const observed = mark?.observed;
    const invokers = patterns.map(({ callback }) => createInvoker(callback, observed, hooks));
    return [
      {
        name: mark?.method ?? `@EventPattern('${events[0]}')`,
        events,
        options: mark?.options ?? readHandlerOptions(first.extras, problems),
        invoke: invokers.length === 1 ? invokers[0]! : byEvent(events, invokers),
      },
    ];
  });
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return definitions;
}

/** Nest registers the patterns of one method one after the other, for each instance of its class. */
function methodsOf(registrations: readonly Registration[]): Registration[][] {
  const methods: Registration[][] = [];
  for (const registration of registrations) {
    const current = methods.at(-1);
    const mark = markOf(registration);
    const belongs =
      mark !== undefined &&
      current !== undefined &&
      markOf(current[0]!) === mark &&
      current.every(({ pattern }) => pattern !== registration.pattern);
    if (belongs) current.push(registration);
    else methods.push([registration]);
  }
  return methods;
}

const markOf = ({ extras }: Registration): StreamHandlerMark | undefined =>
  extras[STREAM_HANDLER] as StreamHandlerMark | undefined;

function eventOf(
  pattern: unknown,
  mark: StreamHandlerMark | undefined,
  problems: string[],
): string {
  if (typeof pattern !== 'string' || pattern === '') {
    problems.push(`${String(pattern)}: a pattern of events must be a text that is not empty`);
  } else if (mark && !mark.events.includes(pattern)) {
    problems.push(
      `${mark.method}: a method takes one pattern decorator, not @StreamHandler and another`,
    );
  }
  return String(pattern);
}

/** Each pattern has a callback of its own, from which a request-scoped controller learns its pattern. */
function byEvent(events: readonly string[], invokers: readonly Handler[]): Handler {
  const byType = new Map(events.map((event, index) => [event, invokers[index]!]));
  const fallback = invokers[0]!;
  return (delivery) => (byType.get(delivery.eventType) ?? fallback)(delivery);
}

function warnOfRequestHandler({ pattern }: Registration, warn: Warn): void {
  warn(
    'REQUEST_REPLY_UNAVAILABLE',
    `@MessagePattern('${String(pattern)}') is never called by this transport: requests with replies ` +
      'come in a later release. Use @StreamHandler or @EventPattern, or give it a transport of its own.',
  );
}
