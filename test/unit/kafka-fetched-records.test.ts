import { describe, expect, test } from 'vitest';
import {
  readBatch,
  type FetchedPartition,
  type FetchedRecord,
} from '../../lib/drivers/kafka/connection/kafkajs/library/fetched-records.js';

const ABORT = Buffer.from([0, 0, 0, 0]);
const COMMIT = Buffer.from([0, 0, 0, 1]);

function record(
  offset: number,
  producerId = '-1',
  control?: Buffer,
  key: Buffer | null = null,
): FetchedRecord {
  return {
    ...{ offset: String(offset), timestamp: '5', attributes: 0, headers: {} },
    ...{ key: control ?? key, value: Buffer.from(`v${offset}`), isControlRecord: !!control },
    batchContext: {
      ...{ firstOffset: String(offset), lastOffsetDelta: 0, producerId },
      inTransaction: producerId !== '-1',
    },
  };
}

const read = (from: number, messages: FetchedRecord[], rest: Partial<FetchedPartition> = {}) =>
  readBatch('orders', from, { partition: 3, highWatermark: '99', messages, ...rest });
const offsets = (batch: ReturnType<typeof read>) => batch.records.map(({ offset }) => offset);

describe('what a fetch brings', () => {
  test('begins at the offset that was asked for', () => {
    const batch = read(6, [record(5), record(6), record(7)]);
    expect(offsets(batch)).toEqual([6, 7]);
    expect(batch).toMatchObject({ topic: 'orders', partition: 3, next: 8, high: 99 });
  });

  test('goes on behind the ends of transactions, which are no records', () => {
    const batch = read(0, [record(0, '7'), record(1, '7', COMMIT)]);
    expect(offsets(batch)).toEqual([0]);
    expect(batch.next).toBe(2);
  });

  test('goes on behind records that were compacted at the end of a batch', () => {
    const last = record(4);
    const batchContext = { ...last.batchContext!, lastOffsetDelta: 5 };
    expect(read(4, [{ ...last, batchContext }]).next).toBe(10);
  });

  test('goes on behind records in a format of old brokers, which have no batches', () => {
    const old = { offset: '4', key: null, value: Buffer.from('x') } as object as FetchedRecord;
    const abortedTransactions = [{ producerId: '7', firstOffset: '0' }];
    for (const rest of [{}, { abortedTransactions }]) {
      const batch = read(4, [old, { ...old, offset: '5' }], rest);
      expect(offsets(batch)).toEqual([4, 5]);
      expect([batch.next, batch.records[0]!.timestamp]).toEqual([6, 0]);
    }
  });

  test('is without what aborted transactions have written', () => {
    const messages = [
      ...[record(0, '7'), record(1, '8'), record(2), record(3, '7', ABORT), record(4, '7')],
      ...[record(5, '7', COMMIT), record(6, '8', COMMIT)],
    ];
    const abortedTransactions = [{ producerId: '7', firstOffset: '0' }];
    expect(offsets(read(0, messages, { abortedTransactions }))).toEqual([1, 2, 4]);
  });

  test('takes no record with the key 0 for the end of a transaction', () => {
    const messages = [record(0, '7', undefined, ABORT), record(1, '7'), record(2, '7', ABORT)];
    const abortedTransactions = [{ producerId: '7', firstOffset: '0' }];
    expect(offsets(read(0, messages, { abortedTransactions }))).toEqual([]);
  });

  test('may be nothing', () => {
    expect(read(4, [])).toMatchObject({ records: [], next: 4 });
  });
});
