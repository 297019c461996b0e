import type { EventBus } from '../../../core/event-bus.js';
import type { KafkaClient } from '../connection/kafka-client.js';
import type { GroupMarks } from '../groups/group-marks.js';
import type { DecodeRecord, KafkaLease } from '../partitions/kafka.lease.js';
import type { Transactions } from '../partitions/partition-states.js';
import type { Retries, RetryTrim } from '../retries/retries.js';
import type { Drains } from './drains.js';
import type { PartitionReading } from './partition-reading.js';

/** A topic that a subscription reads: that of a stream, or that of its retries. */
export interface ReadTopic {
  readonly stream: string;
  readonly topic: string;
  readonly groupId: string;
  readonly isRetries: boolean;
  /** Deletes records of a retry topic that are settled. */
  readonly trim?: RetryTrim;
}

/** What all subscriptions of a driver share. */
export interface ReadingParts {
  readonly client: Pick<KafkaClient, 'admin' | 'member'>;
  readonly marks: Pick<GroupMarks, 'look' | 'onChange'>;
  readonly transactions: Transactions;
  readonly retries: Pick<Retries, 'trimOf'>;
  readonly decode: DecodeRecord;
  readonly events: EventBus;
  readonly options: ReadingOptions;
}

/** Of the options of the driver, those that matter for reading. */
export interface ReadingOptions {
  readonly sessionTimeout?: number | undefined;
  readonly rebalanceTimeout: number;
  readonly instanceId?: string | undefined;
  readonly metadataMaxAge: number;
  readonly maxBufferedBytes: number;
  readonly commitInterval: number;
}

/** What a topic needs of the subscription that reads it. */
export interface TopicReader {
  readonly group: string;
  readonly consumer: string;
  readonly sessionTimeout: number;
  readonly drains: Drains;
  /** Whether more records of this partition may be read now. */
  mayRead(stream: string, reading: Pick<PartitionReading, 'buffer' | 'parkedBytes'>): boolean;
  /** Bytes that the fetches of one topic may bring at the same time. */
  readonly room: number;
  /** Gives back those leases that were taken and did not reach the engine yet. */
  giveBack(isOf: (lease: KafkaLease) => boolean): void;
  /** Something can be handed out, or there is room again. */
  wake(): void;
  failed(error: Error): void;
}
