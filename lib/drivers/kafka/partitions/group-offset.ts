import { sleep, systemClock } from '../../../core/clock.js';
import type { GroupOffset, KafkaAdmin } from '../connection/kafka-client.js';
import type { PartitionPlace } from './leased-partition.js';
import { decodeMetadata } from './offset-metadata.js';

/** Within this time a broker shows the offset of a transaction that has ended, in milliseconds. */
const SHOWN_WITHIN = 200;

/** Returns what reads the offset that a Kafka group has committed for a partition. */
export const groupOffsetBy =
  (admin: Pick<KafkaAdmin, 'groupOffsets'>) =>
  async ({ groupId, topic, partition }: PartitionPlace): Promise<GroupOffset | undefined> => {
    const offsets = await admin.groupOffsets(groupId, topic);
    return offsets.find((one) => one.partition === partition);
  };

/** The number of the last transaction that has committed this offset. 0: none has. */
export const transactionOf = (known: GroupOffset | undefined): number =>
  decodeMetadata(known?.offset ?? 0, known?.metadata ?? '').transaction;

/**
 * Reads a committed offset after the producer of its transactions was fenced. Brokers before 4.0 may show the
 * offset of a transaction a moment after the transaction has ended. So the offset is read twice, and the one
 * of the later transaction counts.
 * @param above the offset of a transaction with a higher number than this one is not read again
 */
export async function offsetOfFenced(
  read: () => Promise<GroupOffset | undefined>,
  above = Infinity,
): Promise<GroupOffset | undefined> {
  const first = await read();
  if (transactionOf(first) > above) return first;
  await sleep(systemClock, SHOWN_WITHIN);
  const second = await read();
  return transactionOf(second) < transactionOf(first) ? first : second;
}
