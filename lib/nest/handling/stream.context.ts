import { BaseRpcContext } from '@nestjs/microservices';
import type { Delivery } from '../../core/delivery.js';
import { InvalidOptionsError, UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { Lease } from '../../core/lease.js';
import type { Message, Metadata } from '../../core/message.js';
import {
  deadLetter,
  retry,
  type DeadLetterIt,
  type DeadLetterReason,
  type Retry,
} from '../../core/settlement.js';

/** How far a run came: what failed before `Handler` never reached the method. */
export const Stage = { Entered: 0, Pipes: 1, Handler: 2 } as const;

const NO_ARGS: unknown[] = [];

/**
 * One run of a handler: the message, where it came from, and what should become of it. Given to
 * `@Ctx()`, and as second argument to a method without parameter decorators.
 */
export class StreamContext<T = unknown> extends BaseRpcContext {
  /** @internal What became of the run so far, for whoever decides on its outcome. */
  readonly run: RunState = new RunState();

  /** The message with its id, stream, event type, payload, metadata and timestamp. */
  readonly message: Message<T>;

  constructor(private readonly delivery: Delivery) {
    super(NO_ARGS);
    this.message = delivery.message as Message<T>;
  }

  /** @internal The source's hold on the message. */
  protected get lease(): Lease {
    return this.delivery.lease;
  }

  get stream(): string {
    return this.delivery.stream;
  }

  /** Id of the message within its stream. On Redis `<ms>-<sequence>`. */
  get id(): string {
    return this.delivery.id;
  }

  get group(): string {
    return this.delivery.group;
  }

  /** Name of this process in the group. */
  get consumer(): string {
    return this.delivery.consumer;
  }

  /** 1 in the first run. */
  get attempt(): number {
    return this.delivery.attempt;
  }

  /** What travels beside the payload, for example trace headers. */
  get metadata(): Metadata {
    return this.message.metadata;
  }

  /** Aborts when the run times out, the message is lost to another consumer, or the shutdown is over. */
  get signal(): AbortSignal {
    return this.delivery.signal;
  }

  /**
   * Asks for another run, `ms` from now at the earliest, however this one ends. It counts as a
   * delivery: after `maxDeliveries` the message is dead-lettered.
   * @throws InvalidOptionsError where `ms` is not a number of at least 0
   * @throws UnsupportedFeatureError where the message is a request
   */
  retry(ms: number): void {
    if (!(Number.isFinite(ms) && ms >= 0)) {
      throw new InvalidOptionsError([
        `context.retry needs a number of ms of at least 0, not ${String(ms)}`,
      ]);
    }
    this.refuseForRequests('context.retry');
    this.run.asked = retry(ms);
  }

  /**
   * Asks for the message to be dead-lettered with this reason, however this run ends.
   * @throws UnsupportedFeatureError where the message is a request
   */
  deadLetter(reason: DeadLetterReason): void {
    this.refuseForRequests('context.deadLetter');
    this.run.asked = deadLetter(reason);
  }

  /** The event type of the message. */
  getPattern(): string {
    return this.message.eventType;
  }

  getMessage(): Message<T> {
    return this.message;
  }

  getStream(): string {
    return this.stream;
  }

  getId(): string {
    return this.id;
  }

  getGroup(): string {
    return this.group;
  }

  getConsumer(): string {
    return this.consumer;
  }

  getAttempt(): number {
    return this.attempt;
  }

  getMetadata(): Metadata {
    return this.metadata;
  }

  getSignal(): AbortSignal {
    return this.signal;
  }

  /** Message, stream, group and consumer. */
  override getArgs(): unknown[] {
    return [this.message, this.stream, this.group, this.consumer];
  }

  override getArgByIndex(index: number): unknown {
    return this.getArgs()[index];
  }

  private refuseForRequests(what: string): void {
    if (!this.delivery.request) return;
    const advice = 'Throw instead: whoever asked is told, and may ask again.';
    throw new UnsupportedFeatureError(what, 'requests', advice);
  }
}

/** Written by what `@StreamHandler` puts around a method, read by the invoker. */
class RunState {
  stage: number = Stage.Entered;
  /** Number under which the run passes the pipes. */
  ticket = 0;
  /** What the method returned. */
  returned: unknown = undefined;
  /** What the method threw at once, or the Observable that it returned. */
  thrown: Thrown | undefined = undefined;
  /** What reached the exception filters, where that is known of this very run. */
  filtered: Thrown | undefined = undefined;
  /** Followed by an AsyncLocalStorage, because pipes do not let a number through. */
  followed = false;
  asked: Retry | DeadLetterIt | undefined = undefined;
}

/** A thrown value, which may be `undefined` itself. */
export interface Thrown {
  readonly error: unknown;
}
