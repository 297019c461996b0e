import type { ConsumerProcess } from './consumer-process.js';
import type { Lease } from '../core/lease.js';

/** Options that all consumers of one group should share. */
export interface SharedOptions {
  /** In milliseconds. */
  readonly idleTimeout: number;
  readonly maxDeliveries: number;
  /** The group handles this stream in the order of keys. */
  readonly ordered: boolean;
}

/** What a consumer handles of one stream. */
export interface AnnouncedStream {
  readonly stream: string;
  /**
   * Patterns of the event types that the consumer handles. `*` matches any run of characters, also
   * none; all other characters stand for themselves. No pattern: the consumer handles nothing.
   */
  readonly events: readonly string[];
  readonly options: SharedOptions;
}

/** What a consumer announces before its first read. */
export interface Announcement {
  readonly group: string;
  /** The name that the consumer wishes to have. */
  readonly consumer: string;
  /** Random, one per consumer: tells two consumers with the same name apart. */
  readonly instance: string;
  readonly process: ConsumerProcess;
  readonly streams: readonly AnnouncedStream[];
  /**
   * A consumer that has not refreshed its announcement for this time counts as dead, in
   * milliseconds.
   */
  readonly timeToLive: number;
}

/**
 * - `live`: reads and runs messages
 * - `paused`: reads nothing for now
 * - `closing`: reads nothing any more
 * - `closed`: has left
 */
export type ConsumerState = 'live' | 'paused' | 'closing' | 'closed';

/** One consumer of one group on one stream, as the registry knows it. */
export interface LiveConsumer extends AnnouncedStream {
  readonly group: string;
  readonly consumer: string;
  readonly instance: string;
  readonly process: ConsumerProcess;
  readonly state: ConsumerState;
  /**
   * False: the consumer is closed, or has not refreshed its announcement in time, by the server's
   * clock.
   */
  readonly alive: boolean;
  /** How long the announcement has stood without a gap, in milliseconds of the server's clock. */
  readonly age: number;
  /**
   * How long ago the consumer closed, or ceased to count as alive, in milliseconds. Undefined: it
   * is alive.
   */
  readonly goneFor: number | undefined;
}

/** One reading of the registry: the consumers of one group on one stream. */
export interface GroupMembers {
  /** Includes dead and closed consumers, for a day. */
  readonly consumers: readonly LiveConsumer[];
  /**
   * Consumers that have read in the group and were active lately, but that announced nothing: older
   * versions.
   */
  readonly unannounced: readonly string[];
}

/**
 * The result of handing an entry over.
 * - `handed`: the entry is pending to the receiver now, and the receiver's next `pull` returns it
 * - `refused`: the receiver is gone, paused, closing, or handles other events now; this consumer
 *   keeps the entry
 * - `full`: as many entries wait for the receiver as it can hold; this consumer keeps the entry
 * - `lost`, `gone`: as for settlements
 */
export type HandOverOutcome = 'handed' | 'refused' | 'full' | 'lost' | 'gone';

/** The consumer to which an entry is handed. */
export interface Receiver {
  readonly consumer: string;
  readonly instance: string;
}

/** One consumer's membership in the registry. */
export interface Membership {
  /**
   * The name that the consumer got: the wished one, or with `~2`, `~3`, … where a live consumer has
   * that name.
   */
  readonly consumer: string;
  /** The live consumer that has the wished name. Undefined: there was none. */
  readonly namesake: LiveConsumer | undefined;
  /**
   * Shows that the consumer lives. Announces it anew where its announcement has vanished
   * (FLUSHALL).
   * - `kept`: the announcement stands for another `timeToLive`
   * - `announced`: on some stream the announcement had vanished, or the consumer counted as dead;
   *   it stands anew, its `age` begins at 0, and announcements of other consumers may still be
   *   missing
   * - `taken`: another consumer has the name now; what this consumer holds is lost. Nothing that
   *   this consumer does changes the announcement of the other one
   * - `refused`: the server is out of memory; the announcement stands as it was
   *
   * After `leave` it announces nothing.
   * @throws where the server cannot be reached
   */
  refresh(): Promise<'kept' | 'announced' | 'taken' | 'refused'>;
  /**
   * Announces other events, or another state, for the streams given, and for no other. They may be
   * new, or left before. `age` goes on without a gap. Resolves when other consumers can see it.
   */
  change(
    streams: readonly AnnouncedStream[],
    state: Exclude<ConsumerState, 'closed'>,
  ): Promise<void>;
  /**
   * Hands entries of one stream to another consumer of the group, without charging a run. Where a
   * lease is `charged`, the delivery count is lowered by the run that was counted and did not
   * start. Where it is not (adopted, taken over, a retry that was settled), the count stays.
   *
   * One step for each entry checks and hands over: the fence of the lease; that the receiver is
   * alive, `live`, the same `instance`, and handles `eventType`; and that fewer than `maxWaiting`
   * entries wait for the receiver. An entry waits until the receiver has pulled it, or another
   * consumer has taken it over.
   * - Returns one outcome per entry, in order. An entry whose data was deleted is `gone`.
   * - Redriven messages are handed over like others.
   * - The lease of the sender is `lost` then, and the sender is not handed the entry again while it
   *   waits.
   * - The receiver's `pull` hands the entry out, not `charged`, with the runs counted before. The
   *   receiver may begin to read later, or restart under its name.
   *
   * The receiver is told at once where the technology can do so. Otherwise its own look finds the
   * entries. Not its job: forgetting the leases that were handed over.
   */
  handOver(
    entries: readonly { readonly lease: Lease; readonly eventType: string }[],
    to: Receiver,
    maxWaiting: number,
  ): Promise<(HandOverOutcome | Error)[]>;
  /**
   * Marks the consumer as closed on these of its streams, and stops refreshing them. The other
   * streams stay as they are. Idempotent. Never rejects because an announcement is gone.
   * @param streams @default all
   */
  leave(streams?: readonly string[]): Promise<void>;
}

/**
 * Optional port: which consumers of a group are alive, and what they handle. Without it no message
 * is handed from consumer to consumer, and a warning says so at start.
 *
 * An entry that was handed over, and that its live receiver has not fetched yet, is not abandoned.
 * Other consumers do not take it over, however long it waits. Where the receiver is dead or has
 * left, the entry goes to another consumer after its `idleTimeout`. It goes back at once, for any
 * consumer, where the receiver's subscription closes, or stops reading the stream (`watch`). In all
 * these cases no run is charged.
 *
 * Announcements belong to one group, on one stream, under one key prefix. A consumer may announce
 * any number of streams; neither they nor the group have to exist.
 *
 * Not its job: deciding which message is handed to which consumer, and refreshing in time.
 */
export interface LiveConsumers {
  /**
   * How long a consumer's own announcement has to stand before the absence of another one counts,
   * in milliseconds. A consumer that starts at the same moment may not have announced itself yet. 0
   * where all consumers are seen at once.
   */
  readonly settlingTime: number;
  /**
   * Announces a consumer, in one step for each stream. Its name is the same on all its streams, and
   * has to be free on all of them. A paused or closing consumer still has its name. Of several that
   * ask for a name at the same moment, one gets it. A consumer gets the wished name in each of these
   * cases:
   * - no consumer has it;
   * - the consumer of that name is dead or closed;
   * - the process of that consumer is known to be gone: same host, and no process of its pid, or
   *   the pid of this process. The latter does not count where that consumer lives in this process,
   *   or announced itself after this process began.
   */
  join(announcement: Announcement): Promise<Membership>;
  /**
   * Reads the consumers of a group on a stream as they are now: nothing older than the call.
   * Neither the stream nor the group has to exist. Calls for many streams at once may be read
   * together.
   */
  members(stream: string, group: string): Promise<GroupMembers>;
}
