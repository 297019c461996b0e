import type { EntryTooLargeError, ReplyBrokenError } from './errors/server.errors.js';
import type { ConsumerCrashedError } from './errors/subscription.errors.js';
import type { StreamLagExceeded } from './lag.js';
import type { In, Overrunning, SettledEvent, UnendedRun } from './run-events.js';

/** The connection that an event is about. */
interface Connected {
  /**
   * Purpose of the connection: `commands`, `publisher`, `replicated`, `reader`, `replies` or
   * `hints`.
   */
  readonly role: string;
  /** Number of the connection, where a driver has several for one role. */
  readonly connection?: number;
}

/**
 * Why an event that no handler of this consumer takes waits.
 * - `unsettled`: after a start or an outage, other consumers may not have announced themselves yet
 * - `not-reading`: the consumers that handle the event are paused, or closing
 * - `restarting`: the consumers that handled the event have gone a moment ago
 * - `full`: as many messages wait for the consumers that handle the event as they can hold
 * - `owned`: a load balancer owns the whole stream, and the next owner may handle the event
 */
export type UnhandledWaits = 'unsettled' | 'not-reading' | 'restarting' | 'full' | 'owned';

/** All events of the library, by name. */
export interface StreamsEvents {
  settled: SettledEvent;
  /** A method has overrun: it goes on after its timeout, or after its stream has ended. */
  overrun: Overrunning & {
    readonly consumer: string;
    readonly eventType: string;
    /** Number of its messages: more than 1 for a batch. */
    readonly messages: number;
    /** Time since the start of the run, in milliseconds. */
    readonly runningFor: number;
  };
  /**
   * A method that had overrun has ended. `duration`: from the start of its run, in milliseconds.
   */
  'overrun-ended': Overrunning & { readonly duration: number };
  /**
   * A shutdown, or the end of reading some streams, has waited for these runs for a second. It
   * waits for at most `atMost` more milliseconds.
   */
  'runs-awaited': {
    readonly group: string;
    readonly runs: readonly UnendedRun[];
    readonly atMost: number;
  };
  /** A shutdown, or the end of reading some streams, waits no longer: the messages are released. */
  'runs-given-up': { readonly group: string; readonly runs: readonly UnendedRun[] };
  /** Emitted beside `settled`, for dead letters. */
  'dead-lettered': SettledEvent;
  /** Emitted beside `settled`, for runs that failed and are repeated after `delay` milliseconds. */
  'run-failed': SettledEvent;
  /** A consumer took over entries whose owner had not kept them fresh. */
  reclaimed: In & { readonly count: number };
  /**
   * This process took up entries that were pending to its consumer and that it did not know,
   * because the reply of a read was lost.
   */
  adopted: In & { readonly count: number };
  /**
   * Entries of an owned stream run after later ones: another consumer, which was not the owner, had
   * read them.
   */
  'order-broken': In & { readonly count: number };
  /**
   * The reply to a read broke the connection, because it was larger than the server allows. The
   * next read asks for less. `limit`: what the server allows, in bytes; undefined where the server
   * does not tell.
   */
  'reply-broken': {
    readonly streams: readonly string[];
    readonly group: string;
    /** Number of entries that the read asked for. */
    readonly entries: number;
    readonly limit: number | undefined;
    readonly error: ReplyBrokenError;
  };
  /**
   * One entry alone breaks each connection that asks for it. The entry stays pending, no run is
   * counted, and it is tried again every five minutes.
   */
  'entry-too-large': In & {
    readonly id: string;
    readonly bytes: number | undefined;
    readonly error: EntryTooLargeError;
  };
  /** Pending entries whose data had been deleted were dropped. */
  trimmed: In & { readonly count: number };
  /**
   * Retention deleted entries of a stream. `lost` of them had not been settled by `groups`, which
   * happens only with `allowLoss`.
   */
  'entries-deleted': {
    readonly stream: string;
    readonly count: number;
    readonly lost: number;
    readonly groups: readonly string[];
  };
  /** A group had vanished and was created again. It reads on behind the id `from`. */
  'group-recreated': In & { readonly from: string };
  /** The server lost data: entries between the two ids may never have been handled. */
  'data-loss-suspected': In & { readonly after: string; readonly upTo: string };
  /** The lag of a group went beyond a threshold, or has recovered. */
  'stream-lag': StreamLagExceeded;
  /**
   * A consumer has gone silent while it holds entries. Each process that looks after the stream
   * emits this once.
   */
  'consumer-crashed': In & { readonly consumer: string; readonly error: ConsumerCrashedError };
  /**
   * A consumer without a controller has started. `events`: the patterns that its callback takes.
   */
  'consumer-started': {
    readonly streams: readonly string[];
    readonly group: string;
    readonly consumer: string;
    readonly events: readonly string[];
  };
  /**
   * A consumer without a controller has ended: its group or stream vanished, and is not created
   * again.
   */
  'consumer-failed': {
    readonly streams: readonly string[];
    readonly group: string;
    readonly consumer: string;
    readonly error: Error;
  };
  /** A consumer that was gone and held no entries was removed from its group. */
  'consumer-removed': In & { readonly consumer: string };
  /** A connection broke. It is being replaced. */
  disconnected: Connected & { readonly error: Error };
  /**
   * The first connection could not be made for a second, and for each ten seconds after that. The
   * driver tries again. `address`: where the server should be.
   */
  unreachable: Connected & { readonly address: string; readonly error: Error };
  /** A connection works, for the first time or again. */
  connected: { readonly role: string; readonly connection?: number };
  /** A connection is not needed any more and will not come back: its node has left the cluster. */
  'connection-retired': { readonly role: string; readonly connection?: number };
  /** This process is now the only one of its group that reads a stream of ordered handlers. */
  'stream-acquired': In & { readonly token: number };
  /**
   * Another process may now read a stream of ordered handlers: this process can settle nothing that
   * it had begun.
   */
  'stream-lost': { readonly stream: string; readonly group: string };
  /**
   * This process gives up a stream of ordered handlers: the next event is one that only another
   * consumer of the group handles.
   */
  'stream-yielded': In & { readonly id: string; readonly eventType: string };
  /**
   * A message that no handler of this consumer takes waits, uncounted, for a consumer that handles
   * it. Emitted once per message.
   */
  'unhandled-waits': In & {
    readonly id: string;
    readonly eventType: string;
    readonly why: UnhandledWaits;
  };
  /**
   * Messages of this event type are acknowledged and not handled. Emitted once per type in a
   * process, for the first thousand types.
   */
  'event-filtered': In & { readonly eventType: string };
  /**
   * Another consumer has this consumer's name now. What this consumer held is lost, and it runs on
   * under another name.
   */
  'consumer-renamed': {
    readonly group: string;
    readonly streams: readonly string[];
    readonly before: string;
    readonly consumer: string;
  };
  /** Reading paused, because `parked` entries wait for a retry. */
  'reading-paused': { readonly group: string; readonly parked: number };
  'reading-resumed': { readonly group: string };
  /**
   * An announcement was moved to `<service>-input-dlq`: it names no stream (`unparseable`), or a
   * key in which the service keeps its own data (`reserved_name`).
   */
  'assignment-discarded': {
    readonly service: string;
    readonly id: string;
    readonly reason: 'unparseable' | 'reserved_name';
  };
  /**
   * A stream cannot be read. It is left out until it can. `consumer`: the consumer that leaves it
   * out, where the driver says so. A consumer without a controller whose group is gone ends instead,
   * see `consumer-failed`.
   */
  'stream-unreadable': In & { readonly consumer?: string; readonly error: Error };
  /** Delayed messages of a stream cannot be published until the error is fixed. They wait. */
  'delays-stuck': { readonly stream: string; readonly error: Error };
  /** Delayed messages were dropped when they were due, because their data had been deleted. */
  'delays-lost': { readonly stream: string; readonly count: number };
  /** An `emit` failed to which the caller had not subscribed. */
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
   * A method or a listener that the application registered for an event threw, or its promise was
   * rejected. `listener`: `Pager.page`, or `a listener of 'settled'`.
   */
  'listener-failed': { readonly listener: string; readonly error: Error };
  /** A background task failed. It is tried again. */
  'worker-error': { readonly worker: string; readonly error: Error };
  /** A setting that is probably not meant, or a server that behaves unlike others. */
  warning: { readonly code: string; readonly message: string };
}

export type StreamsEventName = keyof StreamsEvents;

/** Listeners of `on`, by the name of their event. */
export type StreamsListeners = {
  [N in StreamsEventName]: (event: StreamsEvents[N]) => void;
};
