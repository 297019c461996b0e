import type { Delivery } from '../../core/delivery.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { Lease } from '../../core/lease.js';
import type { Message, Metadata } from '../../core/message.js';
import { deadLetter, retry, type DeadLetterReason } from '../../core/settlement.js';
import { depthOf, rootPlace, type WorkflowContext } from '../../workflows/workflow-place.js';
import { checkedDelay } from './checked-delay.js';
import { RunContext } from './run.context.js';

/**
 * One run of a handler: the message, where it came from, and what should become of it. `@Ctx()`
 * gives this context. A method without parameter decorators gets it as second argument.
 */
export class StreamContext<T = unknown> extends RunContext {
  /** The message with its id, stream, event type, payload, metadata and timestamp. */
  readonly message: Message<T>;

  /** @internal */
  constructor(
    /** @internal */
    readonly delivery: Delivery,
  ) {
    super();
    this.message = delivery.message as Message<T>;
  }

  /** @internal The lease of the message. */
  protected get lease(): Lease {
    return this.delivery.lease;
  }

  /** Stream of the message. */
  get stream(): string {
    return this.delivery.stream;
  }

  /** Id of the message within its stream. On Redis `<ms>-<sequence>`. */
  get id(): string {
    return this.delivery.id;
  }

  /** Consumer group. */
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

  /** The texts that travel beside the payload, for example trace headers. */
  get metadata(): Metadata {
    return this.message.metadata;
  }

  /** The key with which the message was published. Undefined: none, or the source has no partitions. */
  get key(): string | undefined {
    return this.lease.key;
  }

  /** Number of the partition of the message. Undefined: the source has no partitions. */
  get partition(): number | undefined {
    const { partition } = this.lease;
    return partition === undefined ? undefined : Number(partition);
  }

  /** The workflow of which the message is a step, or which it begins if steps follow from it. */
  get workflow(): WorkflowContext {
    const { id, step, parent } = this.delivery.workflow ?? rootPlace(this.delivery);
    return { id, step, depth: depthOf(step), parentId: parent };
  }

  /**
   * Aborts when the run times out, another consumer has taken over the message, or the shutdown is
   * over.
   *
   * A listener of the signal must not throw. Node reports such an error as an uncaught exception,
   * which ends the process; this library cannot catch it.
   */
  get signal(): AbortSignal {
    return this.delivery.signal;
  }

  /**
   * The transaction through which a handler with the option `inbox` writes: a `RedisTransaction`, a
   * `MemoryTransaction`, or that of another inbox.
   * @throws UnsupportedFeatureError where the handler has no inbox
   */
  transaction<Transaction>(): Transaction {
    const { transaction } = this.delivery;
    if (transaction !== undefined) return transaction as Transaction;
    const advice = 'Set the handler option inbox.';
    throw new UnsupportedFeatureError('context.transaction', 'a handler without an inbox', advice);
  }

  /**
   * Asks for another run, in `ms` milliseconds at the earliest, however this one ends. It counts as
   * a delivery: after `maxDeliveries` the message becomes a dead letter.
   * @throws InvalidOptionsError where `ms` is not a number of at least 0
   * @throws UnsupportedFeatureError where the message is a request
   */
  retry(ms: number): void {
    const delay = checkedDelay('context.retry', ms);
    this.refuseForRequests('context.retry');
    this.run.asked = retry(delay);
  }

  /**
   * Asks for the message to be dead-lettered with this reason, however this run ends.
   * @throws UnsupportedFeatureError where the message is a request
   */
  deadLetter(reason: DeadLetterReason): void {
    this.refuseForRequests('context.deadLetter');
    this.run.asked = deadLetter(reason);
  }

  /**
   * Asks for the consumer's record to be written: now, with what is settled, and once more when this
   * message is settled. It neither waits for the state store nor settles the message. Where this run
   * fails, only a later run that calls it again is recorded at once. docs/state.md
   * @throws UnsupportedFeatureError where the option `commits` is not set
   */
  commit(): void {
    this.delivery.commit();
  }

  /** The event type of the message. */
  getPattern(): string {
    return this.message.eventType;
  }

  /** The same as `message`. */
  getMessage(): Message<T> {
    return this.message;
  }

  /** The same as `stream`. */
  getStream(): string {
    return this.stream;
  }

  /** The same as `id`. */
  getId(): string {
    return this.id;
  }

  /** The same as `group`. */
  getGroup(): string {
    return this.group;
  }

  /** The same as `consumer`. */
  getConsumer(): string {
    return this.consumer;
  }

  /** The same as `attempt`. */
  getAttempt(): number {
    return this.attempt;
  }

  /** The same as `key`. */
  getKey(): string | undefined {
    return this.key;
  }

  /** The same as `partition`. */
  getPartition(): number | undefined {
    return this.partition;
  }

  /** The same as `metadata`. */
  getMetadata(): Metadata {
    return this.metadata;
  }

  /** The same as `signal`. */
  getSignal(): AbortSignal {
    return this.signal;
  }

  /** Message, stream, group and consumer. */
  override getArgs(): unknown[] {
    return [this.message, this.stream, this.group, this.consumer];
  }

  /** One of `getArgs()`. */
  override getArgByIndex(index: number): unknown {
    return this.getArgs()[index];
  }

  /** @internal */
  whenAborted(stop: (reason: unknown) => void): void {
    this.delivery.whenAborted(stop);
  }

  /** @internal */
  get runs(): Delivery {
    return this.delivery;
  }

  /** @internal */
  outlived(work: Promise<void>): void {
    this.delivery.outlived('stream-ended', work);
  }

  private refuseForRequests(what: string): void {
    if (!this.delivery.request) return;
    const advice = 'Throw instead: the caller is told, and may ask again.';
    throw new UnsupportedFeatureError(what, 'requests', advice);
  }
}
