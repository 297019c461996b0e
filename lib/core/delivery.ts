import type { RequestRun } from './answer.js';
import type { BackoffPolicy } from './backoff.js';
import type { Claim, OncePolicy } from './completion.js';
import { move, type DeliveryState } from './delivery-state.js';
import type { Lease } from './lease.js';
import type { Message } from './message.js';
import { OwnershipLostError } from './errors/handling.errors.js';
import { Overrun, type OverrunReason } from './overrun.js';
import type { Ack, Settlement } from './settlement.js';
import type { WorkflowPlace } from './workflow.js';

/** Runs a delivery and says what should become of it. */
export type Handler = (delivery: Delivery) => Promise<Settlement>;

/** One delivery of a batch. */
export interface BatchedDelivery {
  readonly delivery: Delivery;
  /** What the handler has decided for it. Undefined: what becomes of the batch. */
  asked: Settlement | undefined;
  /** It has failed by itself. */
  failed: { readonly error: unknown } | undefined;
}

/**
 * Runs a batch: items of one stream and group. Those without a decision of their own are done when
 * it resolves, and have failed when it rejects.
 */
export type BatchHandler = (
  items: readonly BatchedDelivery[],
  /** As {@link Delivery.outlived}, of the batch. */
  outlived?: (reason: OverrunReason, work: Promise<unknown>) => void,
) => Promise<void>;

/** How messages are collected for a handler that is given many at a time. */
export interface BatchPolicy {
  /** Most messages of a batch. */
  readonly size: number;
  /** Longest time that the first message of a batch waits for more, ms. */
  readonly maxWait: number;
}

/** The key of a message; undefined where it is in no order. May throw what a user's function throws. */
export type OrderKey = (message: Message) => string | undefined;

/** A handler with everything about it decided, as the pipeline uses it. */
export interface BoundHandler {
  /** `OrderController.process` */
  readonly name: string;
  /** @internal Stands for the decorated method: the same for each instance of its controller. */
  readonly origin?: object | undefined;
  /** @internal */
  readonly maxDeliveries: number;
  /** @internal */
  readonly backoff: BackoffPolicy;
  /** @internal Undefined: runs as long as it likes. */
  readonly timeout: number | undefined;
  /** @internal */
  readonly maxHold: number;
  /** @internal Undefined: bounded by the transport only. */
  readonly concurrency: number | undefined;
  /** @internal It answers requests. */
  readonly answers: boolean;
  /** @internal Each message that has a key is completed once. */
  readonly dedupe?: OncePolicy | undefined;
  /** @internal Its effects and the note of them are written together. */
  readonly inbox?: OncePolicy | undefined;
  /** @internal Its deliveries are collected, and run together by `invokeBatch`. */
  readonly batch?: BatchPolicy | undefined;
  /** @internal */
  readonly invokeBatch?: BatchHandler | undefined;
  /** @internal Its results begin and continue workflows. */
  readonly chains: boolean;
  /** @internal An object that was only written out is an instruction, too. */
  readonly plainInstructions: boolean;
  /** @internal Undefined: in no order. */
  readonly orderBy?: OrderKey | undefined;
  /** @internal The next run of a message may start elsewhere while a method of an earlier one goes on. */
  readonly overlap: boolean;
  /** @internal Its runs never overlap, so an overrun keeps the handler's own place. */
  readonly serial: boolean;
  /** @internal */
  readonly invoke: Handler;
}

/** An event that no handler of its consumer takes. */
export interface UnhandledEvent {
  /** What becomes of it where no other consumer of the group takes it either. */
  readonly otherwise: Settlement;
  /** It was told that it waits. */
  told: boolean;
}

/** One attempt to hand a message to a group's consumer. */
export class Delivery {
  /** @internal */
  before: Delivery | undefined;
  /** @internal */
  after: Delivery | undefined;
  /** @internal */
  chain: object | undefined;

  /** @internal Changed by `move` in delivery-state.ts only. */
  readonly state: DeliveryState = 'buffered';
  /** @internal Its earlier runs never ended: it may be what kills processes. */
  suspect = false;
  /** Set by the pipeline once the event type is known. */
  handler: BoundHandler | undefined;
  /** Set by the pipeline once the entry is decoded. */
  message: Message = undefined as unknown as Message;
  eventType = '';
  /** @internal Set by the pipeline where the message is a step of a workflow. */
  workflow: WorkflowPlace | undefined;
  /** @internal Runs one after the other with those of the same key. Undefined: in no order. */
  orderKey: string | undefined;
  /** @internal Set where no handler here takes it. */
  unhandled: UnhandledEvent | undefined;
  /** @internal Set by the pipeline where somebody waits for an answer. */
  request: RequestRun | undefined;
  /** @internal Its method goes on after its timeout, or after its stream has ended: see {@link outlived}. */
  overrun: Overrun | undefined;
  /** @internal Told of an overrun. Set by the consumer that runs it. */
  onOverrun: ((delivery: Delivery) => void) | undefined;
  /** @internal Gives back what a stage of the pipeline holds for this run, `all` of it or what is shared. */
  freePlace: ((all: boolean) => void) | undefined;
  /** @internal It was given to other consumers, and is kept fresh no longer. It may start here if none takes it. */
  offered = false;
  /** @internal Of a handler with `dedupe`, once known: what it completes; null: it has no key. */
  claim: Claim | null | undefined;
  /** @internal Of a step with `dedupe`: how it ends where another message has completed its key. */
  ifDone: Ack | undefined;
  /** @internal What the handler writes through, where its effects are kept in an inbox. */
  transaction: unknown;
  /** @internal Engine time at which this run began, ms; 0 before. */
  startedAt = 0;
  /** @internal Engine time from which `maxHold` counts, ms; 0 while nothing runs. */
  heldFrom = 0;
  /** @internal The source is being asked to count this run: the lease's attempt is in flux. */
  charging = false;
  /** @internal Engine time at which the source last knew that we hold the entry, ms. */
  freshAt = 0;

  private controller: AbortController | undefined;
  private stopStream: ((reason: Error) => void) | undefined;
  private aborted: Error | undefined;

  /** @internal */
  constructor(
    readonly lease: Lease,
    readonly group: string,
    readonly consumer: string,
  ) {}

  get stream(): string {
    return this.lease.stream;
  }

  get id(): string {
    return this.lease.id;
  }

  /** 1 in the first run. Counted by the source, so it survives restarts where the source's count does. */
  get attempt(): number {
    return this.lease.attempt;
  }

  /** Aborts when the run times out, ownership is lost, or the shutdown's grace period has passed. */
  get signal(): AbortSignal {
    // Made on demand: an AbortController per message would cost more than its acknowledgement.
    this.controller ??= new AbortController();
    if (this.aborted) this.controller.abort(this.aborted);
    return this.controller.signal;
  }

  /** @internal Done: what is left to do is the ack, which may take a while and needs none of this. */
  forgetContent(): void {
    this.message = undefined as unknown as Message;
    this.lease.fields = undefined;
  }

  /** @internal The same entry's next run. A method that still runs goes on counting towards `maxHold`. */
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
   * @internal Says that the method goes on after its run, or its stream, has ended.
   * @param work settles when the method has ended
   */
  outlived(reason: OverrunReason, work: Promise<unknown>): void {
    if (this.overrun) return this.overrun.again(reason);
    const { lease } = this;
    this.overrun = new Overrun(reason, work);
    lease.overrun = this.overrun.ended.then(() => (lease.overrun = undefined));
    this.onOverrun?.(this);
  }

  /** @internal Ends an Observable once: when the signal aborts, or at once where it has. */
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

/** Another run has the entry: a delivery that is not being settled yet does not start, or ends unsettled. */
export function disown(delivery: Delivery): void {
  if (!move(delivery, delivery.state === 'running' ? 'disowned' : 'lost')) return;
  delivery.abort(new OwnershipLostError(delivery.stream, delivery.id));
}
