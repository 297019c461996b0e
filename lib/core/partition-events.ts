import type { In } from './run-events.js';

/** Events of sources whose consumers hold partitions. */
export interface PartitionEvents {
  /**
   * This consumer reads these partitions of a stream now, beside those that it has already.
   * `partitions`: their numbers, as texts.
   */
  'partitions-assigned': In & {
    readonly consumer: string;
    readonly partitions: readonly string[];
  };
  /**
   * These partitions of a stream go to other consumers of the group. What of them is in hand is lost:
   * the signals of its handlers abort.
   */
  'partitions-revoked': In & {
    readonly consumer: string;
    readonly partitions: readonly string[];
  };
}
