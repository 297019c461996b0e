import { whole } from '../core/option-schema/kinds.js';

/** A day, in milliseconds. A blocked read needs no more, and timers of Node have a limit. */
export const LONGEST_WAIT = 86_400_000;

/** The options of a transport that say how it reads, and how long it keeps what it has read. */
export const READING = {
  /** Longest wait of one blocking read, in milliseconds. A day at most. @default 5000 */
  blockTimeout: whole(1, LONGEST_WAIT).duration().default(5000),
  /**
   * Another consumer takes over an entry that was not kept fresh for this time, in milliseconds.
   * Every quarter of this time, the owner extends the leases that are older than that.
   * @default 30000
   */
  idleTimeout: whole(1).duration().default(30_000),
  /**
   * Time between two looks for abandoned entries, redriven messages, lost groups, and consumers that
   * are gone, in milliseconds. Each wait is 75 to 100 % of it. @default half of `idleTimeout`, 5000
   * at most
   */
  reclaimInterval: whole(1).duration(),
  /**
   * A consumer of the group that has pending entries and was silent for this time is reported as
   * crashed, in milliseconds: docs/consumers.md#consumers-that-crashed.
   * @default three times `idleTimeout`, or three times `blockTimeout` where that is longer
   */
  crashedAfter: whole(1).duration(),
  /** Most entries that one read asks for. Half as many are read ahead at most. @default 500 */
  batchSize: whole(1).default(500).namedInFiles('read_size'),
  /**
   * While this many entries of a consumer wait for a retry, or for another consumer, it reads nothing
   * new. @default 1000
   */
  maxParked: whole(1).default(1000),
  /**
   * Longest time for which a running message is kept from other consumers, in milliseconds since the
   * run got its slot. After it the entry is no longer kept fresh. @default 3600000
   */
  maxHold: whole(1).duration().default(3_600_000),
};
