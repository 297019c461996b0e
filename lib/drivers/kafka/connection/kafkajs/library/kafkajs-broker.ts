import type { Broker } from 'kafkajs';
import type { FetchedPartition } from './fetched-records.js';

/** A broker of kafkajs, with the requests for which its types have no words. */
export interface KafkajsBroker extends Omit<
  Broker,
  'metadata' | 'fetch' | 'offsetFetch' | 'produce'
> {
  /** A topic that the broker does not know, or does not show to this user, has an error. */
  metadata(topics: readonly string[]): Promise<Metadata>;
  fetch(request: object): Promise<ByTopic<FetchedPartition>>;
  listOffsets(request: object): Promise<ByTopic<OffsetAnswer>>;
  produce(request: object): Promise<ProduceAnswer>;
  findGroupCoordinator(request: {
    readonly groupId: string;
    readonly coordinatorType: number;
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>;

  joinGroup(request: object): Promise<{
    readonly generationId: number;
    readonly memberId: string;
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
  }>;
  syncGroup(request: object): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: object): Promise<unknown>;
  leaveGroup(request: object): Promise<unknown>;
  offsetFetch(
    request: object,
  ): Promise<ByTopic<OffsetAnswer & { readonly metadata: string | null }>>;
  listGroups(): Promise<{ readonly groups: readonly { readonly groupId: string }[] }>;
  deleteGroups(groupIds: readonly string[]): Promise<{
    readonly results: readonly { readonly groupId: string; readonly error?: Error }[];
  }>;

  initProducerId(request: {
    readonly transactionalId: string | undefined;
    readonly transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  addPartitionsToTxn(request: object): Promise<unknown>;
  addOffsetsToTxn(request: object): Promise<unknown>;
  txnOffsetCommit(request: object): Promise<unknown>;
  endTxn(request: object): Promise<unknown>;

  createTopics(request: object): Promise<unknown>;
  deleteTopics(request: object): Promise<unknown>;
  deleteRecords(request: object): Promise<unknown>;
  describeConfigs(request: object): Promise<{
    readonly resources: readonly {
      readonly configEntries: readonly {
        readonly configName: string;
        readonly configValue: string | null;
      }[];
    }[];
  }>;

  /** The newest version of a request that the broker knows. */
  readonly lookupRequest: (...definition: unknown[]) => MakeRequest;
}

export interface Metadata {
  readonly topicMetadata: readonly TopicMetadata[];
}

export interface TopicMetadata {
  readonly topic: string;
  /** `leader` is -1 while no broker leads the partition. */
  readonly partitionMetadata: readonly { readonly partitionId: number; readonly leader: number }[];
  /** Why nothing is known of the topic. */
  readonly error?: Error;
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

/** A broker's answer where it has stored all batches of a request. */
export interface ProduceAnswer {
  readonly topics: readonly {
    readonly topicName: string;
    readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[];
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

/** A request with the function that reads its answer. */
interface PreparedRequest {
  readonly request: unknown;
  readonly response: { readonly parse: Parse };
}

/** Throws the first error that the decoded answer tells of. */
export type Parse = (answer: Metadata) => Promise<Metadata>;

export type MakeRequest = (request: { readonly memberId?: string }) => PreparedRequest;

/** The same broker, whose requests are changed before they are sent. */
export const withRequests = (
  broker: KafkajsBroker,
  change: (make: MakeRequest) => MakeRequest,
): KafkajsBroker =>
  Object.create(broker, {
    lookupRequest: {
      value: (...definition: unknown[]) => change(broker.lookupRequest(...definition)),
    },
  }) as KafkajsBroker;
