import type { Cluster } from 'kafkajs';
import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock } from '../../../../../core/clock.js';
import { isReply } from '../../../errors/kafka-reply.error.js';
import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import type { KafkajsAccess } from '../access/kafkajs-access.js';
import { typedError } from '../library/kafkajs-errors.js';
import type { AdminBroker, TopicMetadata } from './kafkajs-admin-requests.js';

/** The brokers are about to choose a leader or a coordinator, or this process knows an old one. */
const PASSING = [
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'REPLICA_NOT_AVAILABLE',
  'BROKER_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'NOT_CONTROLLER',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
] as const;

const MOST_COORDINATORS = 10_000;

/** Requests that may be repeated, to the broker that answers them. */
export class KafkajsBrokers {
  private opened: Promise<Cluster> | undefined;
  /** The brokers that keep the offsets of groups, as far as they are known. */
  private readonly coordinators = new Map<string, number>();

  /** @param requestTimeout longest time for which a request is repeated, in milliseconds */
  constructor(
    private readonly access: KafkajsAccess,
    private readonly requestTimeout: number,
  ) {}

  /** Resolves once there is a connection. */
  async reach(): Promise<void> {
    await this.open('connecting');
  }

  /** Asks any broker. */
  ask<T>(action: string, request: (broker: AdminBroker) => Promise<T>): Promise<T> {
    return this.repeat(action, async (cluster) => request(await anyOf(cluster)));
  }

  /** Asks all brokers, one after the other. */
  askAll<T>(action: string, request: (broker: AdminBroker) => Promise<T>): Promise<T[]> {
    return this.repeat(action, async (cluster) => {
      const answers: T[] = [];
      for (const nodeId of cluster.getNodeIds()) {
        answers.push(await request(await brokerOf(cluster, nodeId)));
      }
      return answers;
    });
  }

  /** Asks the broker that changes topics. */
  askController<T>(action: string, request: (broker: AdminBroker) => Promise<T>): Promise<T> {
    return this.repeat(action, async (cluster) =>
      request((await cluster.findControllerBroker()) as unknown as AdminBroker),
    );
  }

  /** Asks the broker that keeps the offsets of a group. */
  askCoordinator<T>(
    action: string,
    groupId: string,
    request: (broker: AdminBroker) => Promise<T>,
  ): Promise<T> {
    return this.repeat(action, async (cluster) => {
      const known = this.coordinators.get(groupId);
      const nodeId = known ?? (await coordinatorOf(cluster, groupId));
      const broker = await brokerOf(cluster, nodeId);
      if (this.coordinators.size >= MOST_COORDINATORS) this.coordinators.clear();
      this.coordinators.set(groupId, nodeId);
      return request(broker);
    });
  }

  /**
   * Asks for each partition the broker that leads it: each broker once, for all of its partitions.
   * @param only these partitions @default all of the topic
   * @throws KafkaReplyError UNKNOWN_TOPIC_OR_PARTITION
   */
  askLeaders<T>(
    action: string,
    topic: string,
    request: (broker: AdminBroker, partitions: readonly number[]) => Promise<T>,
    only?: readonly number[],
  ): Promise<T[]> {
    return this.repeat(action, async (cluster) => {
      const found = await metadataOf(cluster, topic);
      const answers: T[] = [];
      for (const [leader, partitions] of leadersOf(found, only)) {
        answers.push(await request(await brokerOf(cluster, leader), partitions));
      }
      return answers;
    });
  }

  /** @throws KafkaReplyError UNKNOWN_TOPIC_OR_PARTITION */
  metadata(topic: string): Promise<TopicMetadata> {
    return this.repeat('looking for a topic', (cluster) => metadataOf(cluster, topic));
  }

  /** Repeats a request while it can succeed, for `requestTimeout`. Every one may be carried out twice. */
  private async repeat<T>(action: string, request: (cluster: Cluster) => Promise<T>): Promise<T> {
    const deadline = systemClock.now() + this.requestTimeout;
    const backoff = new Backoff();
    for (;;) {
      const cluster = await this.open(action);
      try {
        // kafkajs says that it is connected before the broker can be asked.
        if (cluster.getNodeIds().length === 0) await cluster.refreshMetadata();
        return await request(cluster);
      } catch (error) {
        const typed = typedError(error, action);
        if (!isPassing(typed) || systemClock.now() >= deadline || this.access.isClosed) throw typed;
        this.coordinators.clear();
        await sleep(systemClock, Math.min(backoff.next(), deadline - systemClock.now()));
        await cluster.refreshMetadata().catch(() => undefined);
      }
    }
  }

  private async open(action: string): Promise<Cluster> {
    this.opened ??= this.access.cluster();
    this.opened.catch(() => (this.opened = undefined));
    const cluster = await this.opened;
    await this.access.connected(cluster, action);
    return cluster;
  }
}

const isPassing = (error: Error): boolean =>
  error instanceof KafkaConnectionError || isReply(error, ...PASSING);

async function anyOf(cluster: Cluster): Promise<AdminBroker> {
  let failed: unknown;
  for (const nodeId of cluster.getNodeIds()) {
    try {
      return await brokerOf(cluster, nodeId);
    } catch (error) {
      failed = error;
    }
  }
  throw failed;
}

const brokerOf = async (cluster: Cluster, nodeId: number | string): Promise<AdminBroker> =>
  (await cluster.findBroker({ nodeId: String(nodeId) })) as unknown as AdminBroker;

async function coordinatorOf(cluster: Cluster, groupId: string): Promise<number> {
  const broker = await anyOf(cluster);
  const { coordinator } = await broker.findGroupCoordinator({ groupId, coordinatorType: 0 });
  return coordinator.nodeId;
}

async function metadataOf(cluster: Cluster, topic: string): Promise<TopicMetadata> {
  const broker = await anyOf(cluster);
  const { topicMetadata } = await broker.metadata([topic]);
  return topicMetadata[0]!;
}

/** Partitions by the broker that leads them. */
function leadersOf(
  { partitionMetadata }: TopicMetadata,
  only: readonly number[] | undefined,
): Map<number, number[]> {
  const leaders = new Map<number, number[]>();
  for (const { partitionId, leader } of partitionMetadata) {
    if (only && !only.includes(partitionId)) continue;
    const partitions = leaders.get(leader) ?? [];
    partitions.push(partitionId);
    leaders.set(leader, partitions);
  }
  return leaders;
}
