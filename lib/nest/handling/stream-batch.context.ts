import type { BatchedDelivery, BatchHandler, Delivery } from '../../core/delivery.js';
import { OwnershipLostError } from '../../core/errors/handling.errors.js';
import type { Message } from '../../core/message.js';
import { ack, deadLetter, retry, type DeadLetterReason } from '../../core/settlement.js';
import { checkedDelay } from './checked-delay.js';
import { RunContext } from './run.context.js';

/** One message of a batch, and what should become of it. The last call counts. */
export class StreamBatchItem<T = unknown> {
  /** @internal */
  constructor(private readonly item: BatchedDelivery) {}

  /** The message with its id, stream, event type, payload, metadata and timestamp. */
  get message(): Message<T> {
    return this.item.delivery.message as Message<T>;
  }

  /** Id of the message within its stream. */
  get id(): string {
    return this.item.delivery.id;
  }

  /** Payload of the message. */
  get payload(): T {
    return this.message.payload;
  }

  /** 1 in the first run of this message. */
  get attempt(): number {
    return this.item.delivery.attempt;
  }

  /**
   * Aborts with the signal of the batch, and where another consumer has taken over this message.
   *
   * A listener of the signal must not throw. Node reports such an error as an uncaught exception,
   * which ends the process; this library cannot catch it.
   */
  get signal(): AbortSignal {
    return this.item.delivery.signal;
  }

  /** Asks for the message to be acknowledged, however the batch ends. */
  ack(): void {
    this.item.asked = ack;
  }

  /**
   * Asks for another run in a later batch, in `ms` milliseconds at the earliest. It counts as a
   * delivery of this message.
   * @throws InvalidOptionsError where `ms` is not a number of at least 0
   */
  retry(ms: number): void {
    this.item.asked = retry(checkedDelay('retry', ms));
  }

  /** Asks for this message to be dead-lettered with this reason. */
  deadLetter(reason: DeadLetterReason): void {
    this.item.asked = deadLetter(reason);
  }
}

/**
 * One run of a handler with the option `batch`: its messages, all of one stream and group, in the
 * order in which they were read. `@Ctx()` gives this context, and `@Payload()` the array of
 * payloads.
 */
export class StreamBatchContext<T = unknown> extends RunContext {
  /** In the order of the payloads. */
  readonly items: readonly StreamBatchItem<T>[];

  /** @internal */
  constructor(
    private readonly batch: readonly BatchedDelivery[],
    private readonly onOutlived?: Parameters<BatchHandler>[1],
  ) {
    super();
    this.items = batch.map((item) => new StreamBatchItem<T>(item));
  }

  /** The messages, in the order of the payloads. */
  get messages(): readonly Message<T>[] {
    return this.items.map(({ message }) => message);
  }

  /** Stream of all messages. */
  get stream(): string {
    return this.first.stream;
  }

  /** Consumer group. */
  get group(): string {
    return this.first.group;
  }

  /** Name of this process in the group. */
  get consumer(): string {
    return this.first.consumer;
  }

  /**
   * Aborts when the run times out, the shutdown is over, or all messages are lost.
   *
   * A listener of the signal must not throw. Node reports such an error as an uncaught exception,
   * which ends the process; this library cannot catch it.
   */
  get signal(): AbortSignal {
    const signals = this.items.map(({ signal }) => signal);
    const controller = new AbortController();
    const look = (): void => {
      const aborted = signals.filter((signal) => signal.aborted);
      const whole = aborted.find(({ reason }) => !(reason instanceof OwnershipLostError));
      if (whole || aborted.length === signals.length) {
        controller.abort((whole ?? aborted[0])!.reason);
      }
    };
    for (const signal of signals) signal.addEventListener('abort', look, { once: true });
    look();
    return controller.signal;
  }

  /**
   * As `StreamContext.commit`, for all messages of the batch.
   * @throws UnsupportedFeatureError where the option `commits` is not set
   */
  commit(): void {
    for (const { delivery } of this.batch) delivery.commit();
  }

  /** The event type of the first message. */
  getPattern(): string {
    return this.first.message.eventType;
  }

  /** Messages, stream, group and consumer. */
  override getArgs(): unknown[] {
    return [this.messages, this.stream, this.group, this.consumer];
  }

  /** One of `getArgs()`. */
  override getArgByIndex(index: number): unknown {
    return this.getArgs()[index];
  }

  /** @internal */
  whenAborted(stop: (reason: unknown) => void): void {
    const { signal } = this;
    if (signal.aborted) stop(signal.reason);
    else signal.addEventListener('abort', () => stop(signal.reason), { once: true });
  }

  /** @internal */
  get runs(): Delivery[] {
    return this.batch.map(({ delivery }) => delivery);
  }

  /** @internal */
  outlived(work: Promise<void>): void {
    this.onOutlived?.('stream-ended', work);
  }

  private get first() {
    return this.batch[0]!.delivery;
  }
}
