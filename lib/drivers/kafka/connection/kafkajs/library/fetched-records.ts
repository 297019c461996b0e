import type { KafkaMessage } from 'kafkajs';
import type { ReadRecord } from '../../kafka-client.js';
import type { FetchedBatch } from '../../kafka-group.js';

/** A record as kafkajs decodes it. */
export type FetchedRecord = KafkaMessage & {
  readonly isControlRecord: boolean;
  /** Undefined for a record in a format of brokers before 0.11, which knows no transactions. */
  readonly batchContext?: {
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
    readonly producerId: string;
    readonly inTransaction: boolean;
  };
};

/** What a fetch brings of one partition, as kafkajs decodes it. */
export interface FetchedPartition {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset?: string;
  /** The first offset of the partition. kafkajs misspells it. */
  readonly lastStartOffset?: string;
  readonly abortedTransactions?: readonly { producerId: string; firstOffset: string }[] | null;
  readonly messages: readonly FetchedRecord[];
}

const NO_PRODUCER = { producerId: '-1', inTransaction: false };

/** The key of the control record that ends an aborted transaction: version 0, type 0. */
const isAbort = ({ key }: FetchedRecord): boolean => key?.length === 4 && key.readInt32BE(0) === 0;

/**
 * Returns the committed records of a partition from this offset on. kafkajs' own function for this
 * takes each record with the key 0 for the end of a transaction.
 */
export function readBatch(topic: string, from: number, fetched: FetchedPartition): FetchedBatch {
  const { partition, messages, abortedTransactions } = fetched;
  const last = messages.at(-1);
  const next = last ? lastOffset(last) + 1 : from;
  const aborted = abortedTransactions ?? [];
  const records =
    aborted.length === 0 ? plainRecords(from, messages) : committedRecords(from, messages, aborted);
  return {
    ...{ topic, partition, records },
    next: Math.max(from, next),
    high: Number(fetched.highWatermark),
    low: Number(fetched.lastStartOffset ?? 0),
    stable: Number(fetched.lastStableOffset ?? fetched.highWatermark),
  };
}

/** Of the batch that ends with this record. What stands behind the record was compacted. */
const lastOffset = ({ batchContext, offset }: FetchedRecord): number =>
  batchContext ? Number(batchContext.firstOffset) + batchContext.lastOffsetDelta : Number(offset);

function plainRecords(from: number, messages: readonly FetchedRecord[]): ReadRecord[] {
  const records: ReadRecord[] = [];
  for (const message of messages) {
    const offset = Number(message.offset);
    if (offset >= from && !message.isControlRecord) records.push(toRecord(offset, message));
  }
  return records;
}

function committedRecords(
  from: number,
  messages: readonly FetchedRecord[],
  abortedTransactions: NonNullable<FetchedPartition['abortedTransactions']>,
): ReadRecord[] {
  const coming = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, first: Number(firstOffset) }))
    .sort((a, b) => a.first - b.first);
  /** Producers whose transaction is aborted later. */
  const aborted = new Set<string>();
  const records: ReadRecord[] = [];
  for (const message of messages) {
    const offset = Number(message.offset);
    const { producerId, inTransaction } = message.batchContext ?? NO_PRODUCER;
    while (coming.length > 0 && coming[0]!.first <= offset) aborted.add(coming.shift()!.producerId);
    if (message.isControlRecord) {
      if (isAbort(message)) aborted.delete(producerId);
    } else if (offset >= from && !(inTransaction && aborted.has(producerId))) {
      records.push(toRecord(offset, message));
    }
  }
  return records;
}

const toRecord = (offset: number, message: FetchedRecord): ReadRecord => ({
  offset,
  // The oldest format has none.
  timestamp: Number((message.timestamp as string | undefined) ?? 0),
  key: message.key,
  value: message.value,
  headers: (message.headers ?? {}) as ReadRecord['headers'],
});
