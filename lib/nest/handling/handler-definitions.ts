import type {
  Deserializer,
  MessageHandler,
  OutgoingResponse,
  ReadPacket,
  Serializer,
} from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import type { Clock } from '../../core/clock.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { Handler } from '../../core/delivery.js';
import type { HandlerDefinition } from '../../options/handler-definition.js';
import type { Message } from '../../core/message.js';
import { createBatchInvoker } from './batch-invoker.js';
import { createInvoker, type WorkflowEngine, type ProcessingHooks } from './handler-invoker.js';
import { createResponder } from './responder.js';
import { STREAM_HANDLER, type StreamHandlerMark } from './stream-handler.decorator.js';
import type { RunContext } from './run.context.js';
import { StreamBatchContext } from './stream-batch.context.js';
import type { StreamContext } from './stream.context.js';
import { readHandlerOptions } from './read-declaration.js';

/** Serializers that an application puts between payloads and its methods. */
export interface Serialization {
  /** Changes packets `{ id, response, err, isDisposed }` of answers. @default no change */
  readonly serializer?: Serializer<OutgoingResponse, unknown> | undefined;
  /** Changes packets `{ pattern, data }` before methods get their data. @default no change */
  readonly deserializer?: Deserializer | undefined;
}

/** What Nest passes to `addHandler`, for each pattern of each decorated method. */
export interface Registration {
  readonly pattern: unknown;
  readonly callback: MessageHandler;
  readonly isEventHandler: boolean;
  readonly extras: Readonly<Record<PropertyKey, unknown>>;
}

/**
 * Makes one definition for each method with `@StreamHandler`, and one for each `@EventPattern` and
 * each `@MessagePattern`.
 * @throws InvalidOptionsError
 */
export function defineHandlers(
  registrations: readonly Registration[],
  hooks: ProcessingHooks,
  clock: Clock,
  { serializer, deserializer }: Serialization = {},
  chaining?: WorkflowEngine,
): HandlerDefinition[] {
  const problems: string[] = [];
  const definitions = methodsOf(registrations).flatMap((patterns): HandlerDefinition[] => {
    const [first] = patterns as [Registration];
    const mark = markOf(first);
    const events = patterns.map(({ pattern }) => eventOf(pattern, mark, problems));
    const answers = !first.isEventHandler;
    const callbacks = patterns.map(({ callback }) =>
      deserializer ? deserialized(callback, deserializer) : callback,
    );
    const invokers = callbacks.map((given) => {
      if (answers) return createResponder(given, hooks, serializer, clock);
      return createInvoker(given, hooks, mark && chaining);
    });
    const name = mark?.method ?? `@${answers ? 'Message' : 'Event'}Pattern('${events[0]}')`;
    const wrong: string[] = [];
    const options = mark?.options ?? readHandlerOptions(first.extras, wrong);
    problems.push(...wrong.map((problem) => `${name}: ${problem}`));
    return [
      {
        name,
        events,
        origin: mark,
        answers,
        chains: chaining !== undefined && mark !== undefined && !mark.options.batch,
        options,
        invoke: invokers.length === 1 ? invokers[0]! : byEvent(events, invokers),
        ...(mark?.options.batch && {
          invokeBatch: createBatchInvoker(callbacks[0]!, hooks, chaining),
        }),
      },
    ];
  });
  if (problems.length > 0) throw new InvalidOptionsError(problems);
  return definitions;
}

/**
 * Nest registers the patterns of one method one after the other, for each instance of its class.
 */
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
    problems.push(`${String(pattern)}: a pattern must be a text that is not empty`);
  } else if (mark && !mark.events.includes(pattern)) {
    problems.push(
      `${mark.method}: a method takes one pattern decorator, not @StreamHandler and another`,
    );
  }
  return String(pattern);
}

/** Each pattern has a callback of its own, which tells a request-scoped controller its pattern. */
function byEvent(events: readonly string[], invokers: readonly Handler[]): Handler {
  const byType = new Map(events.map((event, index) => [event, invokers[index]!]));
  const fallback = invokers[0]!;
  return (delivery) => (byType.get(delivery.eventType) ?? fallback)(delivery);
}

function deserialized(callback: MessageHandler, deserializer: Deserializer): MessageHandler {
  return async (_: unknown, context: RunContext) => {
    const given =
      context instanceof StreamBatchContext
        ? await Promise.all(context.messages.map(changed))
        : await changed((context as StreamContext).message);
    return callback(given, context) as Promise<Observable<unknown>>;
  };

  async function changed({ eventType, payload, metadata, stream }: Message): Promise<unknown> {
    const packet = { pattern: eventType, data: payload, metadata };
    const read = (await deserializer.deserialize(packet, { channel: stream })) as ReadPacket;
    return read.data;
  }
}
