import type { EventBus } from '../../../core/event-bus.js';
import type { KafkaClient } from '../connection/kafka-client.js';
import type { GroupMarks } from '../groups/group-marks.js';
import type { DecodeRecord } from '../partitions/kafka.lease.js';
import type { Transactions } from '../partitions/partition-states.js';
import type { Drains } from './drains.js';
import type { HeldBytes } from './partition-reading.js';

/** A topic that a subscription reads: that of a stream, or that of its retries. */
export interface ReadTopic {
  readonly stream: string;
  readonly topic: string;
  readonly groupId: string;
  readonly isRetries: boolean;
}

/** What all subscriptions of a driver share. */
export interface ReadingParts {
  readonly client: Pick<KafkaClient, 'admin' | 'member'>;
  readonly marks: Pick<GroupMarks, 'look' | 'onChange'>;
  readonly transactions: Transactions;
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
  readonly held: HeldBytes;
  /** Whether more records of this stream may be read now. `isEmpty`: none of the partition wait here. */
  mayRead(stream: string, isEmpty: boolean): boolean;
  /** Something can be handed out, or there is room again. */
  wake(): void;
  failed(error: Error): void;
}
