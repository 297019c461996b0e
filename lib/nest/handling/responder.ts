import type { MessageHandler, OutgoingResponse, Serializer } from '@nestjs/microservices';
import { isObservable, map, mergeMap, of, type Observable } from 'rxjs';
import { AnswerKind, errorToJson, isLast, type RequestRun } from '../../core/answer.js';
import type { Delivery, Handler } from '../../core/delivery.js';
import type { Clock } from '../../core/clock.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { RequestTimeoutError } from '../../core/errors/request.errors.js';
import { ack, type Ack, type Settlement } from '../../core/settlement.js';
import { createInvoker, type ProcessingHooks } from './handler-invoker.js';
import { StreamContext } from './stream.context.js';

/** A serializer of the application. It sees every packet. */
export type ResponseSerializer = Serializer<OutgoingResponse, unknown>;

/**
 * Makes the engine's handler of a `@MessagePattern` method: its result goes to the caller, errors
 * included. For an event the method runs, and its result goes nowhere.
 */
export function createResponder(
  callback: MessageHandler,
  hooks: ProcessingHooks,
  serializer: ResponseSerializer | undefined,
  clock: Clock,
): Handler {
  const onEvent = createInvoker(callback, hooks);
  return (delivery) => {
    if (!delivery.request) return onEvent(delivery);
    const context = new StreamContext(delivery);
    const voice = new Voice(delivery.request, serializer);
    const run = (): Promise<Settlement> => respond(callback, delivery, context, voice, clock);
    return hooks.hooked ? hooks.around(context, run) : run();
  };
}

async function respond(
  callback: MessageHandler,
  delivery: Delivery,
  context: StreamContext,
  voice: Voice,
  clock: Clock,
): Promise<Settlement> {
  try {
    const result: unknown = await callback(delivery.message.payload, context);
    if (isObservable(result)) {
      // Behind interceptors each call of the method says what it returns, later.
      context.lazyResult = true;
      return await stream(result, delivery, voice, clock);
    }
    return voice.last(bodyOf(result));
  } catch (thrown) {
    try {
      return voice.failed(thrown);
    } catch (broken) {
      return voice.broken(broken);
    }
  }
}

/**
 * Sends values as they come. The last one is held back until the end of the turn, as the stream may
 * end with it.
 */
function stream(
  source: Observable<unknown>,
  delivery: Delivery,
  voice: Voice,
  clock: Clock,
): Promise<Settlement> {
  return new Promise((resolve) => {
    const { timeout } = delivery.request!.header;
    const held = new BufferedBody();
    let spokeAt = clock.now();
    let timer = clock.setTimeout(stopIfSilent, timeout);
    // The application's serializer may throw where no other code would catch that.
    const guarded = catching((thrown) => {
      held.take();
      end(voice.broken(thrown));
      queueMicrotask(() => subscription.unsubscribe());
    });
    const subscription = flat(source).subscribe({
      next: (body) => guarded(() => hold(body)),
      complete: () => guarded(() => end(voice.ending(held.take()))),
      error: (thrown: unknown) => guarded(() => (say(), end(voice.failed(thrown)))),
    });
    delivery.signal.addEventListener('abort', () => stop(ack), { once: true });

    function hold(body: string): void {
      const before = held.put(body);
      if (before === undefined) process.nextTick(guarded, say);
      else voice.say(before);
    }

    function say(): void {
      spokeAt = clock.now();
      const body = held.take();
      if (body !== undefined) voice.say(body);
      if (voice.unheard) stop(ack);
    }

    /** After such a silence the caller has given up, and a stream may go on for ever. */
    function stopIfSilent(): void {
      const left = spokeAt + timeout - clock.now();
      if (left > 0) timer = clock.setTimeout(stopIfSilent, left);
      else
        stop({ ...ack, error: errorRecord(new RequestTimeoutError(delivery.eventType, timeout)) });
    }

    function stop(settlement: Settlement): void {
      subscription.unsubscribe();
      end(settlement);
    }

    function end(settlement: Settlement): void {
      clock.clearTimeout(timer);
      resolve(settlement);
    }
  });
}

/** One value that waits to be sent. */
class BufferedBody {
  private body: string | undefined;

  /** @returns the value before, which is not the last one then */
  put(body: string): string | undefined {
    const before = this.body;
    this.body = body;
    return before;
  }

  take(): string | undefined {
    const { body } = this;
    this.body = undefined;
    return body;
  }
}

const catching =
  (onThrown: (thrown: unknown) => void) =>
  (work: () => void): void => {
    try {
      work();
    } catch (thrown) {
      onThrown(thrown);
    }
  };

/** Values as JSON. An asynchronous filter emits a stream as a value. */
const flat = (source: Observable<unknown>): Observable<string> =>
  source.pipe(
    mergeMap((value) => (isObservable(value) ? value : of(value))),
    map(bodyOf),
  );

/** Sends the answers of a run to the caller. */
class Voice {
  constructor(
    private readonly request: RequestRun,
    private readonly serializer: ResponseSerializer | undefined,
  ) {}

  /** The caller's reply box is gone. */
  get unheard(): boolean {
    return this.request.unheard;
  }

  say(body: string): void {
    const [kind, text] = this.packed(AnswerKind.Value, body);
    this.request.send(kind, text);
  }

  last(body: string): Ack {
    // `undefined` is no answer: then only the end is sent.
    return body === '' ? this.end() : this.conclude(AnswerKind.Last, body);
  }

  end(): Ack {
    return this.conclude(AnswerKind.End, '');
  }

  /** Ends with the last value, where there is one. */
  ending(last: string | undefined): Ack {
    return last === undefined ? this.end() : this.last(last);
  }

  failed(thrown: unknown): Ack {
    const error = errorRecord(thrown);
    if (!(thrown instanceof Error) && thrown) {
      try {
        return { ...this.conclude(AnswerKind.Thrown, bodyOf(thrown)), error };
      } catch {
        // The value has no JSON, so its text is sent.
      }
    }
    const told = thrown instanceof Error ? thrown : error;
    if (!this.serializer) return { ...ack, reply: this.request.failure(told), error };
    return { ...this.conclude(AnswerKind.Thrown, errorToJson(told)), error };
  }

  /** The serializer itself has failed: the error is sent without it. */
  broken(thrown: unknown): Ack {
    const error = errorRecord(thrown);
    return { ...ack, reply: this.request.failure(thrown instanceof Error ? thrown : error), error };
  }

  private conclude(kind: AnswerKind, body: string): Ack {
    const [packedKind, text] = this.packed(kind, body);
    return { ...ack, reply: this.request.answer(packedKind, text) };
  }

  private packed(kind: AnswerKind, body: string): [AnswerKind, string] {
    if (!this.serializer) return [kind, body];
    const value: unknown = body === '' ? undefined : JSON.parse(body);
    const packet = {
      id: String(this.request.header.id),
      ...(kind === AnswerKind.Thrown ? { err: value } : { response: value }),
      ...(isLast(kind) && { isDisposed: true }),
    };
    return [
      isLast(kind) ? AnswerKind.LastPacket : AnswerKind.Packet,
      bodyOf(this.serializer.serialize(packet)),
    ];
  }
}

/** JSON; empty for `undefined`. @throws TypeError for a value without JSON */
function bodyOf(value: unknown): string {
  return (JSON.stringify(value) as string | undefined) ?? '';
}
