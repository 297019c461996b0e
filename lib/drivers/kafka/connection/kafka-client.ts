import type { GroupOptions, KafkaGroup } from './kafka-group.js';
import type { CommittedOffset, ReadBatch } from './read-records.js';

export type { CommittedOffset, ReadBatch, ReadHeaders, ReadRecord } from './read-records.js';

/**
 * What the driver needs of a client library of Kafka. The folder `kafkajs` is the only one that knows
 * the library; another library needs an adapter of its own.
 *
 * - Offsets are numbers: they are exact up to 2^53.
 * - Times are in milliseconds since the epoch, durations in milliseconds.
 * - Errors are typed, see `errors/`: `KafkaConnectionError` where the brokers could not be reached or
 *   did not answer (its `outcome` says whether the request may have been carried out), and
 *   `KafkaReplyError` with the broker's own name for what it has refused (`isReply(error, 'FENCED…')`).
 */
export interface KafkaClient {
  /** Opens a producer. Producers with a transactional id send in transactions only. */
  producer(options?: ProducerOptions): Promise<KafkaProducer>;
  /** The requests of a member of a group. Connects at the first call. */
  member(options: GroupOptions): KafkaGroup;
  /** Connects at the first call. */
  readonly admin: KafkaAdmin;
  /** Begins to connect, so that the first call need not wait. */
  connect(): void;
  /** How many connections to brokers are open. */
  readonly connections: number;
  /** The library's object, for `unwrap()`. */
  readonly unwrapped: unknown;
  /** Ends all connections within a bounded time, those of members and producers, too. Idempotent. */
  close(): Promise<void>;
}

/** Headers of a record to be written. A header that repeats has a list. */
export type Headers = Readonly<Record<string, HeaderValue | readonly HeaderValue[]>>;
type HeaderValue = Buffer | string;

/** A record to be written. */
export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: Headers;
  /** Has no effect on topics with the broker's clock. @default now, by the clock of this process */
  readonly timestamp?: number;
}

export interface ProducerOptions {
  /** Opening ends the transaction that another producer with this id has begun, and fences it. */
  readonly transactionalId?: string;
  /** After this time the broker aborts a transaction. @default 60000 */
  readonly transactionTimeout?: number;
}

/** Use it for one call of `send`, or one transaction, at a time. */
export interface KafkaProducer {
  /**
   * Writes records, in their order per partition; each is written once, however often it is sent
   * again. Returns the offset of each, or its error: a record that is refused holds up no other one.
   * Never rejects.
   * @param ms each record has its outcome within this time, in milliseconds @default requestTimeout
   */
  send(records: readonly KafkaRecord[], ms?: number): Promise<(number | Error)[]>;
  /**
   * Begins a transaction. Resolves once the broker has fenced earlier producers with this id.
   * @throws KafkaReplyError where another producer with this id was opened (`isFenced`)
   */
  transaction(): Promise<KafkaTransaction>;
  /** Idempotent. Never rejects. An open transaction is aborted by the broker, after its timeout. */
  close(): Promise<void>;
}

export interface KafkaTransaction {
  /** As `KafkaProducer.send`. After an error, `abort` is the only thing left to do. */
  send(records: readonly KafkaRecord[]): Promise<(number | Error)[]>;
  /** Commits these offsets with the transaction. Needs no member: the transactional id is the fence. */
  sendOffsets(groupId: string, topic: string, offsets: readonly CommittedOffset[]): Promise<void>;
  /** Where the outcome is `unknown`, the transaction may be committed. The producer is of no use then. */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** Partitions by topic. */
export type Partitions = Readonly<Record<string, readonly number[]>>;

export interface KafkaTopic {
  readonly topic: string;
  /** @default the brokers' */
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** The first offset of a partition, and the one behind its last record. */
export interface PartitionOffsets {
  readonly partition: number;
  readonly low: number;
  readonly high: number;
}

/** What a group has committed for a partition. Undefined: nothing. */
export interface GroupOffset {
  readonly partition: number;
  readonly offset: number | undefined;
  readonly metadata: string;
}

export interface GroupDescription {
  readonly groupId: string;
  readonly state:
    'Dead' | 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Unknown';
  readonly members: readonly GroupMember[];
}

export interface GroupMember {
  readonly memberId: string;
  readonly clientId: string;
  readonly host: string;
  readonly partitions: Partitions;
}

export interface KafkaAdmin {
  /** Makes topics that do not exist. Resolves once their partitions have leaders. */
  createTopics(topics: readonly KafkaTopic[]): Promise<void>;
  /** Topics that do not exist are left out. */
  deleteTopics(topics: readonly string[]): Promise<void>;
  /** The partitions of topics, asked of the broker now. Topics that do not exist are left out. */
  topics(topics: readonly string[]): Promise<Map<string, readonly number[]>>;
  /** The names of all topics. */
  listTopics(): Promise<string[]>;
  /**
   * Of all partitions of the topic, or of those that are `led`: without those that no broker leads.
   * @param which @default 'all'
   * @throws KafkaReplyError UNKNOWN_TOPIC_OR_PARTITION, and LEADER_NOT_AVAILABLE where one of all has none
   */
  offsets(topic: string, which?: 'all' | 'led'): Promise<PartitionOffsets[]>;
  /** Per partition the offset of the first record of this time or later, or of the end. */
  offsetsAt(topic: string, time: number): Promise<Map<number, number>>;
  /** What the group has committed, for each partition of the topic. */
  groupOffsets(groupId: string, topic: string): Promise<GroupOffset[]>;
  /** What the group has committed, by topic: only topics and partitions for which it has. One request. */
  allGroupOffsets(groupId: string): Promise<Map<string, GroupOffset[]>>;
  /** Commits without a member: refused while the group has members. */
  setGroupOffsets(
    groupId: string,
    topic: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void>;
  listGroups(): Promise<string[]>;
  describeGroups(groupIds: readonly string[]): Promise<GroupDescription[]>;
  /** Groups that do not exist are left out. @throws KafkaReplyError NON_EMPTY_GROUP where one has members */
  deleteGroups(groupIds: readonly string[]): Promise<void>;
  /** Deletes all records below these offsets. */
  deleteRecords(
    topic: string,
    below: readonly { partition: number; offset: number }[],
  ): Promise<void>;
  /** The configuration of a topic, by the broker's names. */
  config(topic: string): Promise<ReadonlyMap<string, string>>;
  /**
   * Reads records at an offset, without a group. Returns at once, with what one fetch brings: nothing
   * at the end of the partition. One record is read however large it is.
   * @throws KafkaReplyError OFFSET_OUT_OF_RANGE
   */
  read(topic: string, partition: number, offset: number, maxBytes: number): Promise<ReadBatch>;
}
