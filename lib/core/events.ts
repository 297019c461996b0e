import { EventEmitter } from 'node:events';
import { disarm } from './disarm.js';
import { asError, type ErrorRecord } from './errors/error-record.js';
import type { StreamLagExceeded } from './lag.js';
import type { EntryTooLargeError, ReplyBrokenError } from './errors/server.errors.js';
import type { ConsumerCrashedError } from './errors/subscription.errors.js';
import type { OverrunReason } from './overrun.js';
import type { DeadLetterReason } from './settlement.js';

/** Where an event happened. */
interface In {
  readonly stream: string;
  readonly group: string;
}

/** Which connection an event is about. */
interface Connected {
  /** What it is for: `commands`, `publisher`, `replicated`, `reader`, `replies` or `hints`. */
  readonly role: string;
  /** Tells those of one role apart, where a driver has several. */
  readonly connection?: number;
}

/** What a settlement came to. */
export type SettledOutcome =
  | 'handled'
  /** A request was answered with an error. */
  | 'failed'
  /** A request was not run: nobody waits for its answer any more. */
  | 'expired'
  /** A request was not run: its handler takes events. */
  | 'refused'
  /** Not run: its workflow was cancelled. */
  | 'cancelled'
  | 'filtered'
  /** Acknowledged without a run: it was handled before, see the handler option `dedupe`. */
  | 'duplicate'
  /** It did not run: another delivery of the same is being handled. It is looked at again. */
  | 'postponed'
  | 'retried'
  | 'dead-lettered'
  /** Not run here: it was handed to another consumer of the group, which handles such events. */
  | 'handed-over'
  | 'released'
  | 'left'
  /** Ownership was gone before it could be settled. */
  | 'lost'
  /** The entry's data was deleted before a run could begin or be repeated. */
  | 'trimmed';

/** One per settlement: the source of metrics, traces and logs. */
export interface SettledEvent extends In {
  readonly id: string;
  readonly consumer: string;
  readonly eventType: string;
  /** `OrderController.process`; undefined where no handler was found. */
  readonly handler: string | undefined;
  readonly outcome: SettledOutcome;
  readonly attempt: number;
  /** From the start of the run to its settlement, ms. */
  readonly duration: number;
  readonly reason?: DeadLetterReason;
  /** Until the next run, for `retried` and `postponed`, ms. */
  readonly delay?: number;
  readonly error?: ErrorRecord;
  /** The consumer that it was handed to, for `handed-over`. */
  readonly receiver?: string;
}

/**
 * Why an event that nothing here handles waits.
 * - `unsettled`: other consumers may not have announced themselves yet, after a start or an outage
 * - `not-reading`: the consumers that handle it are paused, or closing
 * - `restarting`: the consumers that handled it have gone a moment ago
 * - `full`: as much waits for those that handle it as they can hold
 * - `owned`: its stream is owned as a whole, by a load balancer, and its next owner may handle it
 */
export type UnhandledWaits = 'unsettled' | 'not-reading' | 'restarting' | 'full' | 'owned';

/** A method that goes on after its timeout, or after its stream has ended. */
interface Overrunning extends In {
  /** `OrderController.process` */
  readonly handler: string;
  /** Of the message; of the first one where it takes batches. */
  readonly id: string;
  readonly attempt: number;
  readonly reason: OverrunReason;
  /** False: it keeps its place, so fewer other messages run. See the option `maxOverrun`. */
  readonly placeGivenBack: boolean;
}

/** A run that has not ended when its consumer, or the reading of its stream, ends. */
export interface UnendedRun {
  readonly stream: string;
  readonly id: string;
  readonly eventType: string;
  /** `OrderController.process` */
  readonly handler: string | undefined;
}

/** Every event of the library, by name. */
export interface StreamsEvents {
  settled: SettledEvent;
  /** A method has overrun: it goes on after its timeout, or after its stream has ended. */
  overrun: Overrunning & {
    readonly consumer: string;
    readonly eventType: string;
    /** Messages that it was given: more than 1 where it takes batches. */
    readonly messages: number;
    /** Since the start of the run, in milliseconds. */
    readonly runningFor: number;
  };
  /** A method that had overrun has ended. `duration`: since the start of its run, in milliseconds. */
  'overrun-ended': Overrunning & { readonly duration: number };
  /**
   * A shutdown, or the end of reading some streams, has waited for these runs for a second. It waits
   * for `atMost` more milliseconds.
   */
  'runs-awaited': {
    readonly group: string;
    readonly runs: readonly UnendedRun[];
    readonly atMost: number;
  };
  /** A shutdown, or the end of reading some streams, waits no longer: the messages are released. */
  'runs-given-up': { readonly group: string; readonly runs: readonly UnendedRun[] };
  /** Told beside `settled`, of dead letters alone. */
  'dead-lettered': SettledEvent;
  /** Told beside `settled`, of runs that failed and are repeated after `delay` ms. */
  'run-failed': SettledEvent;
  /** A consumer took over entries whose owner had not kept them fresh. */
  reclaimed: In & { readonly count: number };
  /** Own pending entries that this process did not know (a lost read reply) were taken up. */
  adopted: In & { readonly count: number };
  /**
   * Entries of an owned stream run after later ones: another consumer, which was not the owner, had
   * read them.
   */
  'order-broken': In & { readonly count: number };
  /**
   * The reply to a read broke the connection: it was larger than the server lets replies be. The next
   * read asks for less. `limit`: what the server allows, in bytes; undefined where it does not tell.
   */
  'reply-broken': {
    readonly streams: readonly string[];
    readonly group: string;
    /** That the read asked for. */
    readonly entries: number;
    readonly limit: number | undefined;
    readonly error: ReplyBrokenError;
  };
  /**
   * One entry alone breaks each connection that asks for it. It stays pending, uncounted, and is tried
   * again every five minutes.
   */
  'entry-too-large': In & {
    readonly id: string;
    readonly bytes: number | undefined;
    readonly error: EntryTooLargeError;
  };
  /** Pending entries whose data had been deleted were dropped. */
  trimmed: In & { readonly count: number };
  /**
   * Retention deleted entries of a stream. `lost` of them had not been settled by `groups`, which only
   * a policy with `allowLoss` does.
   */
  'entries-deleted': {
    readonly stream: string;
    readonly count: number;
    readonly lost: number;
    readonly groups: readonly string[];
  };
  /** A group had vanished and was created again. `from` is the id it resumes behind. */
  'group-recreated': In & { readonly from: string };
  /** The server lost data: what lay between the two ids may never have been handled. */
  'data-loss-suspected': In & { readonly after: string; readonly upTo: string };
  /** The lag of a group went beyond a threshold, or has recovered. */
  'stream-lag': StreamLagExceeded;
  /** A consumer fell silent with entries in hand: told once by each process that looks after the stream. */
  'consumer-crashed': In & { readonly consumer: string; readonly error: ConsumerCrashedError };
  /** A consumer without a controller reads: `events` are the patterns that its callback takes. */
  'consumer-started': {
    readonly streams: readonly string[];
    readonly group: string;
    readonly consumer: string;
    readonly events: readonly string[];
  };
  /** A consumer without a controller has ended: its group or stream vanished, and is not put back. */
  'consumer-failed': {
    readonly streams: readonly string[];
    readonly group: string;
    readonly consumer: string;
    readonly error: Error;
  };
  /** A consumer that was gone and held nothing was removed from its group. */
  'consumer-removed': In & { readonly consumer: string };
  /** The connection broke; it is being replaced. */
  disconnected: Connected & { readonly error: Error };
  /**
   * The first connection is not made after a second, and after every ten seconds from then on. It is
   * tried again. `address` is where the server should be.
   */
  unreachable: Connected & { readonly address: string; readonly error: Error };
  /** The connection works (again). */
  connected: { readonly role: string; readonly connection?: number };
  /** A connection is not needed any more, and will not come back: its node has left the cluster. */
  'connection-retired': { readonly role: string; readonly connection?: number };
  /** This process is the only one of its group that reads a stream of ordered handlers now. */
  'stream-acquired': In & { readonly token: number };
  /** Another process may read it now: nothing of what this one had begun can be settled. */
  'stream-lost': { readonly stream: string; readonly group: string };
  /**
   * This process gives a stream of ordered handlers up: it came to an event that only another consumer
   * of the group handles.
   */
  'stream-yielded': In & { readonly id: string; readonly eventType: string };
  /** A message that nothing here handles waits, uncounted, for a consumer that does. Told once of each. */
  'unhandled-waits': In & {
    readonly id: string;
    readonly eventType: string;
    readonly why: UnhandledWaits;
  };
  /**
   * Messages of this event type are acknowledged and not handled: told of each type once in a process,
   * of the first thousand types.
   */
  'event-filtered': In & { readonly eventType: string };
  /**
   * Another consumer has this consumer's name now: what it held is lost, and it runs on under
   * another name.
   */
  'consumer-renamed': {
    readonly group: string;
    readonly streams: readonly string[];
    readonly before: string;
    readonly consumer: string;
  };
  /** Reading paused: so many entries wait for a retry. */
  'reading-paused': { readonly group: string; readonly parked: number };
  'reading-resumed': { readonly group: string };
  /**
   * An announcement went to `<service>-input-dlq`: it names no stream (`unparseable`), or one that the
   * service keeps something in itself (`reserved_name`).
   */
  'assignment-discarded': {
    readonly service: string;
    readonly id: string;
    readonly reason: 'unparseable' | 'reserved_name';
  };
  /** A stream cannot be read and is left out until it can. */
  'stream-unreadable': In & { readonly error: Error };
  /** Delayed messages of a stream cannot be published until this is mended. They wait. */
  'delays-stuck': { readonly stream: string; readonly error: Error };
  /** Delayed messages whose data had been deleted were dropped when they were due. */
  'delays-lost': { readonly stream: string; readonly count: number };
  /** An `emit` failed that nobody subscribed to. */
  'publish-failed': { readonly stream: string; readonly eventType: string; readonly error: Error };
  /**
   * A method returned a plain object that looks like an instruction to publish `next`. Nothing was
   * published: see the option `plainInstructions`.
   */
  'instruction-ignored': In & {
    readonly id: string;
    readonly handler: string;
    readonly next: string;
  };
  /**
   * A method or a listener of the application that was told of an event threw, or its promise was
   * rejected. `listener`: `Pager.page`, or `a listener of 'settled'`.
   */
  'listener-failed': { readonly listener: string; readonly error: Error };
  /** A background task failed and will be tried again. */
  'worker-error': { readonly worker: string; readonly error: Error };
  /** A choice that is probably not meant, or a server that does not do what others do. */
  warning: { readonly code: string; readonly message: string };
}

export type StreamsEventName = keyof StreamsEvents;

/** Listeners of `on`, by the name of their event. */
export type StreamsListeners = {
  [N in StreamsEventName]: (event: StreamsEvents[N]) => void;
};

/**
 * Carries the library's events to listeners. A listener that throws, or answers a promise that rejects,
 * does not harm the engine: it is told of by `listener-failed`.
 */
export class EventBus {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  on<N extends StreamsEventName>(name: N, listener: (event: StreamsEvents[N]) => void): () => void {
    this.emitter.on(name, listener);
    return () => this.emitter.off(name, listener);
  }

  emit<N extends StreamsEventName>(name: N, event: StreamsEvents[N]): void {
    for (const listener of this.emitter.listeners(name)) {
      try {
        const answer: unknown = listener(event);
        if (answer !== undefined) disarm(answer, (error) => this.failed(name, error));
      } catch (error) {
        this.failed(name, error);
      }
    }
  }

  private failed(name: StreamsEventName, thrown: unknown): void {
    const error = asError(thrown);
    if (name !== 'listener-failed') {
      this.emit('listener-failed', { listener: `a listener of '${name}'`, error });
      if (this.has('listener-failed')) return;
    }
    process.emitWarning(`A listener of "${name}" threw: ${error.message}`, 'StreamsWarning');
  }

  /** Whether an event is worth building. */
  has(name: StreamsEventName): boolean {
    return this.emitter.listenerCount(name) > 0;
  }
}
