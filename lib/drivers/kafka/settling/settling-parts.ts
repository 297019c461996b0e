import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import type { KafkaRecord } from '../connection/kafka-client.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';

export type Outcome = SettleOutcome | Error;

/** Makes the records that settlements write. Each makes its topic where that is missing. */
export interface RecordMakers {
  /** Messages that follow from one with this key. An Error where an entry is refused. */
  outgoing(
    entries: readonly OutgoingEntry[],
    key: string | undefined,
  ): Promise<(KafkaRecord | Error)[]>;
  deadLetter(lease: KafkaLease, record: DeadLetterRecord): Promise<KafkaRecord>;
  /** @param attempts runs that have ended */
  retry(
    lease: KafkaLease,
    due: { readonly dueAt: number; readonly attempts: number },
  ): Promise<KafkaRecord>;
}

export const leaseOf = ({ lease }: Settling): KafkaLease => lease as KafkaLease;
