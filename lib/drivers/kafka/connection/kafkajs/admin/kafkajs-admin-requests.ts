import type { Broker } from 'kafkajs';
import type { FetchedPartition } from '../library/fetched-records.js';

export interface TopicMetadata {
  readonly topic: string;
  readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
}

/** An offset of a partition, as brokers write it. */
export interface OffsetAnswer {
  readonly partition: number;
  readonly offset: string;
}

interface ByTopic<Partition> {
  readonly responses: readonly {
    readonly topic: string;
    readonly partitions: readonly Partition[];
  }[];
}

export interface DescribedGroup {
  readonly groupId: string;
  readonly state: string;
  readonly members: readonly {
    readonly memberId: string;
    readonly clientId: string;
    readonly clientHost: string;
    readonly memberAssignment: Buffer;
  }[];
}

/** The requests to a broker for which the types of kafkajs have no words. */
export interface AdminBroker extends Omit<Broker, 'metadata' | 'fetch' | 'offsetFetch'> {
  metadata(
    topics: readonly string[],
  ): Promise<{ readonly topicMetadata: readonly TopicMetadata[] }>;
  findGroupCoordinator(request: object): Promise<{ readonly coordinator: { nodeId: number } }>;
  createTopics(request: object): Promise<unknown>;
  deleteTopics(request: object): Promise<unknown>;
  listOffsets(request: object): Promise<ByTopic<OffsetAnswer>>;
  offsetFetch(
    request: object,
  ): Promise<ByTopic<OffsetAnswer & { readonly metadata: string | null }>>;
  listGroups(): Promise<{ readonly groups: readonly { readonly groupId: string }[] }>;
  deleteGroups(groupIds: readonly string[]): Promise<{
    readonly results: readonly { readonly groupId: string; readonly error?: Error }[];
  }>;
  deleteRecords(request: object): Promise<unknown>;
  describeConfigs(request: object): Promise<{
    readonly resources: readonly {
      readonly configEntries: readonly {
        readonly configName: string;
        readonly configValue: string | null;
      }[];
    }[];
  }>;
  fetch(request: object): Promise<ByTopic<FetchedPartition>>;
}
