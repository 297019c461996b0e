import type { RequestRun } from './answer.js';
import type { Claim } from './completion.js';
import { move, type DeliveryState } from './delivery-state.js';
import type { HandlerPolicy } from './handler-policy.js';
import type { Lease } from './lease.js';
import type { Message } from './message.js';
import { UnsupportedFeatureError } from './errors/start-up.errors.js';
import { Overrun, type OverrunReason } from './overrun.js';
import type { Ack, Settlement } from './settlement.js';
import type { UnhandledEvent } from './unhandled-event.js';
import type { WorkflowPlace } from './workflow.js';

/** Runs a delivery and returns its settlement. */
export type Handler = (delivery: Delivery) => Promise<Settlement>;

/** One delivery of a batch. */
export interface BatchedDelivery {
  readonly delivery: Delivery;
  /** What the handler has decided for this delivery. Undefined: the outcome of the batch counts. */
  asked: Settlement | undefined;
  /** The failure of this delivery alone. */
  failed: { readonly error: unknown } | undefined;
}

/**
 * Runs a batch: deliveries of one stream and group. Those without a decision of their own are done
 * when the promise resolves, and have failed when it rejects.
 */
export type BatchHandler = (
  items: readonly BatchedDelivery[],
  /** As {@link Delivery.outlived}, for the whole batch. */
  outlived?: (reason: OverrunReason, work: Promise<unknown>) => void,
) => Promise<void>;

/** A handler with all its options decided. */
export interface BoundHandler extends HandlerPolicy {
  /** @internal */
  readonly invoke: Handler;
  /** @internal Runs many deliveries together, for a handler with `batch`. */
  readonly invokeBatch?: BatchHandler | undefined;
}

/** Records how far a consumer has come. */
export interface Committer {
  /** Records what is settled by now, and the delivery once it is settled. Never throws. */
  commit(delivery: Delivery): void;
}

/** One attempt to hand a message to a consumer of a group. */
export class Delivery {
  /** Stream of the message. */
  readonly stream: string;
  /** Id of the message within its stream. */
  readonly id: string;

  /** @internal */
  before: Delivery | undefined = undefined;
  /** @internal */
  after: Delivery | undefined = undefined;
  /** @internal */
  chain: object | undefined = undefined;

  /** @internal Changed by `move` in delivery-state.ts only. */
  readonly state: DeliveryState = 'buffered';
  /** @internal Earlier runs never ended: the message may be what kills processes. */
  suspect = false;
  /** Set by the pipeline once the event type is known. */
  handler: BoundHandler | undefined = undefined;
  /** Set by the pipeline once the entry is decoded. */
  message!: Message;
  /** Event type of the message. Empty before the pipeline knows it. */
  eventType = '';
  /** @internal Set by the pipeline where the message is a step of a workflow. */
  workflow: WorkflowPlace | undefined = undefined;
  /** @internal Deliveries with the same key run one after the other. Undefined: no order. */
  orderKey: string | undefined = undefined;
  /** @internal Set where no handler of this consumer takes the event. */
  unhandled: UnhandledEvent | undefined = undefined;
  /** @internal Set by the pipeline where a caller waits for an answer. */
  request: RequestRun | undefined = undefined;
  /**
   * @internal The method has returned an Observable. Its code awaits nothing, so what it calls counts
   * as awaited.
   */
  lazyResult = false;
  /** @internal The method goes on after its run, or its stream, has ended: {@link outlived}. */
  overrun: Overrun | undefined = undefined;
  /** @internal Called at an overrun. Set by the consumer that runs the delivery. */
  onOverrun: ((delivery: Delivery) => void) | undefined = undefined;
  /**
   * @internal Gives back the slots that stages of the pipeline have taken for this run: all of
   * them, or only those that are shared.
   */
  freeSlots: ((all: boolean) => void) | undefined = undefined;
  /**
   * @internal The delivery was offered to other consumers and is kept fresh no longer. It may start
   * here if none takes it.
   */
  offered = false;
  /**
   * @internal For handlers with `dedupe`, once known: the claim that this delivery completes; null:
   * it has no key.
   */
  claim: Claim | null | undefined = undefined;
  /** @internal For a step with `dedupe`: how it ends where its key is completed. */
  ifDone: Ack | undefined = undefined;
  /** @internal The transaction through which a handler with `inbox` writes. */
  transaction: unknown = undefined;
  /** @internal Set by the pipeline where the consumer records how far it has come. */
  committer: Committer | undefined = undefined;
  /** What the instrumentation keeps of this run. The library does not look at it. */
  instrumented: unknown = undefined;
  /** @internal Engine time at which this run began, in milliseconds; 0 before. */
  startedAt = 0;
  /** @internal Engine time from which this run waits, in ms. 0: it waits since the publication. */
  waitsFrom = 0;
  /** @internal Time of the run without its settlement, in microseconds. 0: not measured. */
  handlerTime = 0;
  /** @internal Number of messages of the run: more than 1 for a batch. */
  messages = 1;
  /** @internal Engine time from which `maxHold` counts, in milliseconds; 0 while nothing runs. */
  heldFrom = 0;
  /** @internal The source is asked to count this run: `attempt` of the lease is about to change. */
  charging = false;
  /**
   * @internal Engine time at which the source last confirmed that this consumer holds the entry, in
   * milliseconds.
   */
  freshAt = 0;

  private controller: AbortController | undefined = undefined;
  private stopStream: ((reason: Error) => void) | undefined = undefined;
  private aborted: Error | undefined = undefined;

  /** @internal */
  constructor(
    /** The entry as its source holds it for this consumer. */
    readonly lease: Lease,
    /** Consumer group. */
    readonly group: string,
    /** Name of the consumer in the group. */
    readonly consumer: string,
  ) {
    this.stream = lease.stream;
    this.id = lease.id;
  }

  /**
   * 1 in the first run. The source counts runs, so the number survives restarts where the source's
   * count does.
   */
  get attempt(): number {
    return this.lease.attempt;
  }

  /**
   * Aborts when the run times out, ownership is lost, or the shutdown's grace period has passed.
   *
   * A listener of the signal must not throw. Node reports such an error as an uncaught exception,
   * which ends the process; this library cannot catch it.
   */
  get signal(): AbortSignal {
    // Made on demand: an AbortController per message would cost more than its acknowledgement.
    this.controller ??= new AbortController();
    if (this.aborted) this.controller.abort(this.aborted);
    return this.controller.signal;
  }

  /**
   * Asks for the consumer's record to be written: now, with what is settled, and once more when this
   * message is settled. Does not wait for the state store, and does not settle the message.
   * docs/state.md
   * @throws UnsupportedFeatureError where the option `commits` is not set
   */
  commit(): void {
    if (this.committer) return this.committer.commit(this);
    const advice = 'Set the option commits of the transport.';
    throw new UnsupportedFeatureError('commit', 'a transport without commits', advice);
  }

  /**
   * @internal The run is done. Only the acknowledgement is left, which may take a while and needs
   * no content.
   */
  forgetContent(): void {
    // No stage reads the message after its run.
    this.message = undefined as never;
    this.lease.fields = undefined;
  }

  /**
   * @internal The delivery for the next run of the same entry. A method that still runs goes on
   * counting towards `maxHold`.
   */
  next(): Delivery {
    const next = new Delivery(this.lease, this.group, this.consumer);
    move(next, 'parked');
    next.handler = this.handler;
    next.eventType = this.eventType;
    next.unhandled = this.unhandled;
    next.orderKey = this.orderKey;
    next.request = this.request;
    next.claim = this.claim;
    next.ifDone = this.ifDone;
    next.freshAt = this.freshAt;
    if (this.overruns) {
      next.overrun = this.overrun;
      next.heldFrom = this.heldFrom;
    }
    return next;
  }

  /** @internal A method of this entry goes on although its run has ended. */
  get overruns(): boolean {
    return this.overrun !== undefined && !this.overrun.over;
  }

  /**
   * @internal Call it where the method goes on after its run, or its stream, has ended.
   * @param work settles when the method has ended
   */
  outlived(reason: OverrunReason, work: Promise<unknown>): void {
    if (this.overrun) return this.overrun.again(reason);
    const { lease } = this;
    this.overrun = new Overrun(reason, work);
    lease.overrun = this.overrun.ended.then(() => (lease.overrun = undefined));
    this.onOverrun?.(this);
  }

  /** @internal Calls `stop` once: when the signal aborts, or at once where it has. */
  whenAborted(stop: (reason: Error) => void): void {
    if (this.aborted) stop(this.aborted);
    else this.stopStream = stop;
  }

  /** @internal */
  abort(reason: Error): void {
    this.aborted ??= reason;
    this.controller?.abort(this.aborted);
    const stop = this.stopStream;
    this.stopStream = undefined;
    stop?.(this.aborted);
  }
}
