import { createRequire } from 'node:module';
import type { KafkaRecord, ReadRecord } from '../../lib/drivers/kafka/connection/kafka-client.js';

const inside = createRequire(import.meta.url);
const protocol = 'kafkajs/src/protocol';

/** What encodes and decodes within the client: it has no public way to bytes. */
const Record = inside(`${protocol}/recordBatch/record/v0`) as (record: object) => Encoder;
const { RecordBatch } = inside(`${protocol}/recordBatch/v0`) as {
  RecordBatch: (batch: object) => Promise<Encoder>;
};
const decodeBatch = inside(`${protocol}/recordBatch/v0/decoder`) as (
  decoder: object,
) => Promise<{ records: ReadRecord[] }>;
const Decoder = inside(`${protocol}/decoder`) as new (bytes: Buffer) => object;

interface Encoder {
  readonly buffer: Buffer;
}

/** The bytes of a batch with these records, as they go to the broker. */
export async function encodedBatch(records: readonly KafkaRecord[]): Promise<Buffer> {
  const encoded = records.map((record, offsetDelta) => Record({ ...record, offsetDelta }));
  const batch = { records: encoded, lastOffsetDelta: records.length - 1 };
  return (await RecordBatch(batch)).buffer;
}

/** The records of such a batch, as the client hands them to consumers. */
export async function readBack(batch: Buffer): Promise<readonly ReadRecord[]> {
  return (await decodeBatch(new Decoder(batch))).records;
}
