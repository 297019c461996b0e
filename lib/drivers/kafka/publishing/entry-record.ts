import { fieldOf } from '../../../core/codecs/codec.js';
import { bytesOfText } from '../../../core/codecs/text-bytes.js';
import {
  InvalidMessageError,
  PayloadTooLargeError,
} from '../../../core/errors/publishing.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { KafkaRecord } from '../connection/kafka-client.js';
import { sizeOfBatch } from '../connection/record-size.js';
import type { TopicFacts } from '../topics/topic-facts.js';
import { encodeRecord } from '../wire/encode-record.js';
import { partitionOfKey } from './partition-of.js';

/** Where an entry goes. */
export interface Target {
  readonly topic: string;
  readonly facts: TopicFacts;
  /** For an entry that says nothing of its partition. */
  readonly next: (count: number) => number;
  /** The size is looked at here: what is not compressed is as large for the broker. */
  readonly isBounded: boolean;
}

/** Turns an entry into a record, or into the error for which it is refused. */
export function entryRecord(entry: OutgoingEntry, target: Target): KafkaRecord | Error {
  const { stream, fields, hasBytes, key } = entry;
  if (fields.length === 0 || fields.length % 2 === 1) return noEntry(stream);
  const { topic, facts } = target;
  const partition = partitionOf(entry, target);
  if (partition >= facts.partitions) return noPartition(entry, facts);
  const encoded = encodeRecord(fields, hasBytes);
  const record = { topic, partition, key: key === undefined ? null : written(key), ...encoded };
  if (!target.isBounded) return record;
  const size = sizeOfBatch(record);
  return size > facts.maxBytes ? tooLarge(entry, size, facts.maxBytes) : record;
}

/** The error of an entry that the topic does not take for its size. */
export const tooLarge = ({ stream, fields }: OutgoingEntry, size: number, limit: number): Error =>
  new PayloadTooLargeError(size, limit, fieldOf(fields, 'event_type') ?? stream, 'Kafka');

function partitionOf({ key, partition }: OutgoingEntry, { facts, next }: Target): number {
  if (partition !== undefined) return partition;
  return key === undefined ? next(facts.partitions) : partitionOfKey(key, facts.partitions);
}

/** A key that was read may have bytes that are no text. */
const written = (key: string): string | Buffer => (key.isWellFormed() ? key : bytesOfText(key));

const noEntry = (stream: string): Error =>
  new InvalidMessageError(
    `An entry for "${stream}" needs names and values in turn, at least one of each.`,
  );

const noPartition = ({ stream, partition }: OutgoingEntry, { partitions }: TopicFacts): Error =>
  new InvalidMessageError(
    `"${stream}" has no partition ${partition}: its partitions are 0 to ${partitions - 1}.`,
  );
