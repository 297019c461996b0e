import type { AdminEvents } from './admin-events.js';
import type { BackgroundTask } from './background-task.js';
import type { ConnectionEvents } from './connection-events.js';
import type { DeadLetterEvents } from './dead-letter-events.js';
import type { EntryTooLargeError, ReplyBrokenError } from './errors/server.errors.js';
import type { ConsumerCrashedError } from './errors/subscription.errors.js';
import type { StreamLagExceeded } from './lag.js';
import type { LifecycleEvents } from './lifecycle-events.js';
import type { MessageEvents } from './message-events.js';
import type { MessagesLost } from './messages-lost.js';
import type { OutboxEvents } from './outbox-events.js';
import type { PartitionEvents } from './partition-events.js';
import type { In, RunEvents } from './run-events.js';
import type { UnhandledWaits } from './unhandled-waits.js';
import type { WorkflowEvents } from './workflow-events.js';

/** All events of the library, by name. */
export interface StreamsEvents
  extends
    LifecycleEvents,
    MessageEvents,
    RunEvents,
    DeadLetterEvents,
    OutboxEvents,
    PartitionEvents,
    WorkflowEvents,
    AdminEvents,
    ConnectionEvents {
  /** A consumer took over entries that their owner had not kept fresh, or had released. */
  reclaimed: In & { readonly count: number };
  /**
   * This process took up entries that were pending to its consumer and that it did not know, because
   * the reply of a read was lost.
   */
  adopted: In & { readonly count: number };
  /**
   * Messages of a load balanced stream run after later ones: another consumer, which was not the owner,
   * had read them. More: docs/load-balancer.md.
   */
  'order-broken': In & { readonly count: number };
  /**
   * The reply to a read broke the connection, because it was larger than the server allows. The next
   * read asks for less. More: docs/options.md#large-messages.
   */
  'reply-broken': {
    readonly streams: readonly string[];
    readonly group: string;
    /** Number of entries that the read asked for. */
    readonly entries: number;
    /** What the server allows, in bytes. Undefined where the server does not tell. */
    readonly limit: number | undefined;
    readonly error: ReplyBrokenError;
  };
  /**
   * One message alone breaks each connection that asks for it. It stays pending, uncounted, and is
   * tried again every five minutes. More: docs/options.md#large-messages.
   */
  'entry-too-large': In & {
    readonly id: string;
    readonly bytes: number | undefined;
    readonly error: EntryTooLargeError;
  };
  /**
   * Messages will never be handled by the group. `count` is undefined where the source cannot know how
   * many there were. `why`: docs/events.md#why-messages-are-lost.
   */
  'messages-lost': In & { readonly count: number | undefined; readonly why: MessagesLost };
  /** Pending entries whose data had been deleted were dropped from the pending list. */
  trimmed: In & { readonly count: number };
  /**
   * Retention deleted entries of a stream: docs/retention.md. `lost` of them had not been settled by
   * `groups`: 0 without `allowLoss`.
   */
  'entries-deleted': {
    readonly stream: string;
    readonly count: number;
    readonly lost: number;
    readonly groups: readonly string[];
  };
  /**
   * A group had vanished, while this process was reading or before it started, and was created again
   * behind the id `from`. At a start the event is raised if a floor says that there was a group.
   */
  'group-recreated': In & { readonly from: string };
  /**
   * The server lost data: entries between the ids `after` and `upTo` may never have been handled.
   * Fewer entries were ever added to the stream than at the last look, or a lost group had to be
   * created again at the beginning, because the stream no longer reaches its floor.
   */
  'data-loss-suspected': In & { readonly after: string; readonly upTo: string };
  /**
   * The lag of a group went beyond a threshold, or has recovered: docs/lag.md#alarms. The event is a
   * `StreamLagExceeded`.
   */
  'stream-lag': StreamLagExceeded;
  /**
   * A consumer with pending entries fell silent. Raised once by each process that reads the stream.
   * More: docs/consumers.md#consumers-that-crashed.
   */
  'consumer-crashed': In & { readonly consumer: string; readonly error: ConsumerCrashedError };
  /**
   * A consumer of `StreamConsumers` reads. `events` are the patterns that its callback takes.
   */
  'consumer-started': {
    readonly streams: readonly string[];
    readonly group: string;
    readonly consumer: string;
    readonly events: readonly string[];
  };
  /**
   * A consumer of `StreamConsumers` has ended: its group or stream vanished, and is not created again.
   * Its promise `closed` rejects with the same error. More: docs/consumers.md#without-a-controller.
   */
  'consumer-failed': {
    readonly streams: readonly string[];
    readonly group: string;
    readonly consumer: string;
    readonly error: Error;
  };
  /** A consumer that was gone and had no pending entries was removed from its group. */
  'consumer-removed': In & { readonly consumer: string };
  /**
   * This process reads a stream of ordered handlers now, and no other one of the group. `token` grows
   * with each owner.
   */
  'stream-acquired': In & { readonly token: number };
  /**
   * Another process may read a stream of ordered handlers now: the stream lease was taken, or could not
   * be extended in time. The signals of running handlers abort, and the server refuses their
   * settlements.
   */
  'stream-lost': { readonly stream: string; readonly group: string };
  /**
   * This process gives up a stream of ordered handlers, since only another consumer of the group handles
   * this event type.
   */
  'stream-yielded': In & { readonly id: string; readonly eventType: string };
  /**
   * This process has no handler for this message. The message waits, uncounted, for a consumer that has
   * one. Raised once for each message. `why`: docs/events.md#why-a-message-waits.
   */
  'unhandled-waits': In & {
    readonly id: string;
    readonly eventType: string;
    readonly why: UnhandledWaits;
  };
  /**
   * Messages of this type are acknowledged and not handled: no consumer of the group handles them.
   * Raised once for each type, for the first 1,000 types.
   */
  'event-filtered': In & { readonly eventType: string };
  /**
   * Another consumer has the name `before` now. The entries of this consumer are lost, and it runs on as
   * `consumer`.
   */
  'consumer-renamed': {
    readonly group: string;
    readonly streams: readonly string[];
    readonly before: string;
    readonly consumer: string;
  };
  /**
   * As many entries as `maxParked` wait for a retry, for others of their key, or for another consumer.
   * Nothing new is read.
   */
  'reading-paused': { readonly group: string; readonly parked: number };
  /** Reading goes on. */
  'reading-resumed': { readonly group: string };
  /**
   * A load balancer moved an announcement to `<service>-input-dlq`, because it names no stream
   * (`unparseable`), or a key of the service itself (`reserved_name`).
   */
  'assignment-discarded': {
    readonly service: string;
    readonly id: string;
    readonly reason: 'unparseable' | 'reserved_name';
  };
  /**
   * A stream cannot be read, for example because its key holds something else, or because its group was
   * deleted on purpose: GroupNotFoundError, docs/groups.md#deleting. It is left out until it can be read
   * again; the other streams go on. A `StreamConsumer` whose group is gone ends instead, see
   * `consumer-failed`.
   */
  'stream-unreadable': In & { readonly consumer?: string; readonly error: Error };
  /**
   * Delayed messages of a stream cannot be published, for example because a key has another type. The
   * messages wait; other streams go on. Raised once, until the cause changes.
   */
  'delays-stuck': { readonly stream: string; readonly error: Error };
  /** Delayed messages were due whose data had been deleted. They are dropped. */
  'delays-lost': { readonly stream: string; readonly count: number };
  /** An `emit` failed whose Observable had no subscriber. */
  'publish-failed': { readonly stream: string; readonly eventType: string; readonly error: Error };
  /**
   * A method returned a plain object that looks like an instruction to publish `next`, and nothing was
   * published: docs/workflows.md#what-a-method-may-return.
   */
  'instruction-ignored': In & {
    readonly id: string;
    readonly handler: string;
    readonly next: string;
  };
  /**
   * A method or listener of the application that listens to an event threw, or its promise was rejected.
   * `listener`: a method with `@OnStreamEvent` or `@OnStreamLag`, such as `Pager.page`, or
   * `a listener of 'settled'`, or the hook of `setOnProcessingEndHook`, or
   * a method of the instrumentation.
   */
  'listener-failed': { readonly listener: string; readonly error: Error };
  /**
   * A background task failed and will be tried again. `worker`:
   * docs/events.md#background-tasks.
   */
  'worker-error': {
    readonly worker: BackgroundTask;
    /** Of the task `load balancer`: its service. */
    readonly service?: string;
    readonly error: Error;
    /** Of the worker `settler`: a message whose settlement failed. Others may have failed with it. */
    readonly settling?: In & { readonly id: string; readonly handler: string | undefined };
  };
  /**
   * A setting that is probably a mistake, or a server that lacks a feature. `code`:
   * docs/events.md#warnings.
   */
  warning: { readonly code: string; readonly message: string };
}

export type StreamsEventName = keyof StreamsEvents;

/** Listeners of `on`, by the name of their event. */
export type StreamsListeners = {
  [N in StreamsEventName]: (event: StreamsEvents[N]) => void;
};
