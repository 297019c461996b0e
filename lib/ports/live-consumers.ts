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
  /** Patterns of the event types that it handles, `*` matches any run of characters. */
  readonly events: readonly string[];
  readonly options: SharedOptions;
}

/** What a consumer says of itself before its first read. */
export interface Announcement {
  readonly group: string;
  /** The name that it would like to have. */
  readonly consumer: string;
  /** Random, one per consumer: tells two consumers of one name apart. */
  readonly instance: string;
  readonly process: ConsumerProcess;
  readonly streams: readonly AnnouncedStream[];
  /** A consumer that has not refreshed its announcement for so long counts as dead, in milliseconds. */
  readonly timeToLive: number;
}

/**
 * - `live`: reads and runs
 * - `paused`: reads nothing for now
 * - `closing`: reads nothing any more
 * - `closed`: has left
 */
export type ConsumerState = 'live' | 'paused' | 'closing' | 'closed';

/** One consumer of one group on one stream, as the registry has it. */
export interface LiveConsumer extends AnnouncedStream {
  readonly group: string;
  readonly consumer: string;
  readonly instance: string;
  readonly process: ConsumerProcess;
  readonly state: ConsumerState;
  /** False: it is closed, or its announcement was not refreshed in time, by the server's clock. */
  readonly alive: boolean;
  /** How long its announcement has stood without a gap, in milliseconds of the server's clock. */
  readonly age: number;
  /** How long ago it closed, or ceased to count as alive, in milliseconds. Undefined: it is alive. */
  readonly goneFor: number | undefined;
}

/** One reading of the registry: the consumers of one group on one stream. */
export interface GroupMembers {
  /** Dead and closed ones too, for a day. */
  readonly consumers: readonly LiveConsumer[];
  /** Consumers that the group knows, that showed a sign of life, and that announced nothing: older versions. */
  readonly unannounced: readonly string[];
}

/**
 * What came of handing an entry over.
 * - `handed`: it is pending to the receiver now, which is given it by its next `pull`
 * - `refused`: the receiver is gone, paused, closing, or handles other events now; the entry is still ours
 * - `full`: as many entries wait for the receiver as it can hold; the entry is still ours
 * - `lost`, `gone`: as for settlements
 */
export type HandOverOutcome = 'handed' | 'refused' | 'full' | 'lost' | 'gone';

/** Who an entry is handed to. */
export interface Receiver {
  readonly consumer: string;
  readonly instance: string;
}

/** The place of one consumer in the registry. */
export interface Membership {
  /** The name that it got: the wished one, or with `~2`, `~3`, … where a live consumer has that. */
  readonly consumer: string;
  /** The live consumer that has the wished name. Undefined: there was none. */
  readonly namesake: LiveConsumer | undefined;
  /**
   * Shows that it lives; where its announcement has vanished (FLUSHALL), announces it anew.
   * - `kept`: it stands for another `timeToLive`
   * - `announced`: it had vanished, or counted as dead, on some stream at least, and stands anew:
   *   the announcements of others may be missing still
   * - `taken`: another consumer has its name now; what it holds is lost
   * - `refused`: the server is out of memory; the announcement stands as it was
   * @throws where the server cannot be asked
   */
  refresh(): Promise<'kept' | 'announced' | 'taken' | 'refused'>;
  /** Announces other events, or another state, of some of its streams. Resolves when others can see it. */
  change(
    streams: readonly AnnouncedStream[],
    state: Exclude<ConsumerState, 'closed'>,
  ): Promise<void>;
  /**
   * Hands entries of one stream to another consumer of the group, each uncharged: where its lease is
   * `charged`, its delivery count is lowered by the run that was counted and did not start; where it is
   * not (adopted, taken over, a retry that was settled), the count stays. In one step each: the fence of the lease, that
   * the receiver is alive, live, and handles `eventType`, and that fewer than `maxWaiting` entries wait for it.
   * The receiver is told at once where the technology can, and finds them by its own look else.
   * Not its job: forgetting the leases that were handed over.
   */
  handOver(
    entries: readonly { readonly lease: Lease; readonly eventType: string }[],
    to: Receiver,
    maxWaiting: number,
  ): Promise<(HandOverOutcome | Error)[]>;
  /**
   * Marks it closed, on these of its streams, which it refreshes no more. Idempotent. Never rejects for
   * an announcement that is gone.
   * @param streams default all
   */
  leave(streams?: readonly string[]): Promise<void>;
}

/**
 * Optional port: which consumers of a group live, and what they handle. Without it nothing is handed
 * from consumer to consumer, and a warning says so at start.
 *
 * An entry that was handed over and not yet fetched by its live receiver is not abandoned: it is not taken
 * over by others, however long it waits. A receiver that dies or closes loses this protection.
 *
 * Not its job: deciding what is handed to which consumer, refreshing in time.
 */
export interface LiveConsumers {
  /**
   * How long a consumer's own announcement has to stand before the absence of another one counts, in
   * milliseconds: a consumer that starts at the same moment may not have announced itself yet. 0 where
   * all consumers are seen at once.
   */
  readonly settlingTime: number;
  /**
   * Announces a consumer, atomically for each stream. Takes the wished name where it is free, where its
   * consumer is dead or closed, or where its process is known to be gone: same host, and no such pid or
   * our own pid, unless that consumer lives in this process or announced itself after this process began.
   */
  join(announcement: Announcement): Promise<Membership>;
  /**
   * The consumers of a group on a stream, as they are now: nothing older than the call. Neither the
   * stream nor the group has to exist. Called for many streams at once, it may read them together.
   */
  members(stream: string, group: string): Promise<GroupMembers>;
}
