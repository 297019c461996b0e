import { BATCH_OVERHEAD, sizeOfRecord } from '../../record-size.js';
import type { KafkaRecord } from '../../kafka-client.js';
import { ProduceBatch, type Outcome, type Placed } from './produce-batch.js';

/** Most bytes of a batch of several records, before compression: topics take 1,048,588 by default. */
const MOST_BYTES = 1_000_000;
/** Most records of a batch. */
const MOST_RECORDS = 1000;

/**
 * Makes batches of records, in their order per partition. Returns rounds, to be sent one after the
 * other: each has one batch of each partition at most.
 */
export function roundsOf(records: readonly KafkaRecord[], outcomes: Outcome[]): ProduceBatch[][] {
  const rounds: ProduceBatch[][] = [];
  const open = new Map<string, OpenBatch>();
  records.forEach((record, at) => {
    const { topic, partition } = record;
    const name = `${partition}/${topic}`;
    const bytes = sizeOfRecord(record);
    const last = open.get(name);
    const isFull =
      last && (last.entries.length === MOST_RECORDS || last.bytes + bytes > MOST_BYTES);
    if (last && !isFull) {
      last.entries.push({ record, at });
      last.bytes += bytes;
      return;
    }
    const round = last ? last.round + 1 : 0;
    const entries = [{ record, at }];
    open.set(name, { round, entries, bytes: BATCH_OVERHEAD + bytes });
    (rounds[round] ??= []).push(new ProduceBatch(topic, partition, entries, outcomes));
  });
  return rounds;
}

/** A batch that takes more records. */
interface OpenBatch {
  readonly round: number;
  readonly entries: Placed[];
  bytes: number;
}
