import type { Clock } from '../../../core/clock.js';
import { sleep } from '../../../core/clock.js';
import type { Codec } from '../../../core/codecs/codec.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { DeadLetterAction, DeadLetterStrategy } from '../../../core/dead-letter-strategy.js';
import type { Delivery } from '../../../core/delivery.js';
import { asError } from '../../../core/errors/error-record.js';
import { ForwardLimitError } from '../../../core/errors/dead-letter.errors.js';
import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import { disarm } from '../../../core/returned-promise.js';
import type { DecidedAction } from '../../../core/settlement.js';
import { deadLetterAction } from '../../../options/dead-letter-strategy.js';
import { forwardedEntry, MOST_FORWARDS } from './forwarded-entry.js';

/** Longest time that a function may take to decide, in milliseconds. */
const LONGEST_DECISION = 30_000;

export interface StrategyOptions {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly codec: Codec;
  /** For messages without a handler. Undefined: the default. */
  readonly deadLetter?: DeadLetterStrategy | undefined;
  /** The source, or a slot, has a dead letter queue. */
  readonly queues: boolean;
  /** The source can keep entries on hold. */
  readonly holds: boolean;
}

/** Decides what becomes of messages that are given up. */
export class StrategyDecider {
  /** For functions that have not answered yet. */
  private readonly waits = new Set<AbortController>();

  constructor(private readonly options: StrategyOptions) {}

  /** Never rejects, and never throws: where a strategy fails, the message is kept where possible. */
  decide(delivery: Delivery, record: DeadLetterRecord): DecidedAction | Promise<DecidedAction> {
    const { handler } = delivery;
    const strategy = handler ? handler.deadLetter : this.options.deadLetter;
    try {
      if (typeof strategy !== 'function') return this.decided(delivery, record, strategy);
      const answer = strategy({ ...record }, [...(delivery.lease.fields ?? [])]);
      if (isThenable(answer)) return this.later(delivery, record, answer);
      return this.checked(delivery, record, answer);
    } catch (error) {
      return this.failed(delivery, error);
    }
  }

  /** No answer is awaited any more: the shutdown has given up the messages. */
  stop(): void {
    for (const wait of this.waits) wait.abort();
  }

  /** What becomes of messages for which no strategy is set. */
  private get usual(): 'queue' | 'drop' {
    return this.options.queues ? 'queue' : 'drop';
  }

  private async later(
    delivery: Delivery,
    record: DeadLetterRecord,
    answer: PromiseLike<DeadLetterAction>,
  ): Promise<DecidedAction> {
    let decided: { readonly answer: DeadLetterAction } | undefined;
    const wait = new AbortController();
    this.waits.add(wait);
    try {
      const deciding = Promise.resolve(answer).then((known) => (decided = { answer: known }));
      await Promise.race([deciding, sleep(this.options.clock, LONGEST_DECISION, wait.signal)]);
      if (!decided && wait.signal.aborted) return this.usual;
      if (!decided) throw new Error(`It took longer than ${LONGEST_DECISION} ms.`);
      return this.checked(delivery, record, decided.answer);
    } catch (error) {
      return this.failed(delivery, error);
    } finally {
      wait.abort();
      this.waits.delete(wait);
    }
  }

  private checked(delivery: Delivery, record: DeadLetterRecord, answer: unknown): DecidedAction {
    disarm((answer as { readonly forward?: unknown } | null | undefined)?.forward);
    const problems = deadLetterAction.required().problems(answer, 'what the function returns');
    if (problems.length > 0) throw new InvalidOptionsError(problems);
    if (answer === 'queue' && !this.options.queues)
      throw new InvalidOptionsError(["'queue' needs a dead letter queue, and there is none"]);
    if (answer === 'hold' && !this.options.holds)
      throw new InvalidOptionsError(["'hold' needs a source that can keep messages on hold"]);
    return this.decided(delivery, record, answer as DeadLetterAction);
  }

  private decided(
    { lease, stream }: Delivery,
    record: DeadLetterRecord,
    action: DeadLetterAction = this.usual,
  ): DecidedAction {
    if (typeof action === 'string') return action;
    const { forward } = action;
    const to: unknown = typeof forward === 'function' ? forward({ ...record }) : forward;
    if (disarm(to))
      throw new InvalidOptionsError(['forward must return the name of a stream, not a promise']);
    if (typeof to !== 'string' || to === '')
      throw new InvalidOptionsError(['forward must return the name of a stream']);
    if (to === stream) throw new ForwardLimitError(stream, 'it is the stream of the message');
    const { fields, redrive, key } = lease;
    if (!fields) throw new Error('The fields of the message are not known here.');
    const { entry, hops } = forwardedEntry(
      this.options.codec,
      { fields, redrive, key },
      record,
      to,
    );
    if (hops > MOST_FORWARDS)
      throw new ForwardLimitError(to, `the message was forwarded ${MOST_FORWARDS} times`);
    return { forward: entry };
  }

  /** Nothing is dropped that can be kept. */
  private failed({ stream, group, id, eventType, handler }: Delivery, thrown: unknown) {
    const { queues, holds, events } = this.options;
    const action = queues ? 'queue' : holds ? 'hold' : 'drop';
    const error = asError(thrown);
    const event = { stream, group, id, eventType, handler: handler?.name, error, action } as const;
    events.emit('strategy-failed', event);
    return action;
  }
}

function isThenable(answer: unknown): answer is PromiseLike<DeadLetterAction> {
  return (
    typeof answer === 'object' &&
    answer !== null &&
    typeof (answer as { then?: unknown }).then === 'function'
  );
}
