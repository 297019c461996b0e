import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock } from '../../../../../core/clock.js';
import { isPassing, KafkaReplyError } from '../../../errors/kafka-reply.error.js';
import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import type { KafkajsAccess } from '../access/kafkajs-access.js';
import { connectError, typedError } from '../library/kafkajs-errors.js';
import {
  anyBroker,
  knowBrokers,
  type Coordinated,
  type Coordinators,
} from '../access/coordinators.js';
import type { KafkajsBroker, TopicMetadata } from '../library/kafkajs-broker.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';

/** What to do where a broker has accepted the connection, and never said who the brokers are. */
const NO_METADATA =
  'Nothing was sent; give the option sasl where the brokers ask for a login, else try again with backoff.';

/** Partitions of a topic. */
type Which = 'all' | 'led' | readonly number[];

/** Requests that may be repeated, to the broker that answers them. */
export class KafkajsBrokers {
  private opened: Promise<KafkajsCluster> | undefined;

  /** @param requestTimeout longest time for which a request is repeated, in milliseconds */
  constructor(
    private readonly access: KafkajsAccess,
    private readonly coordinators: Coordinators,
    private readonly requestTimeout: number,
  ) {}

  /** Resolves once there is a connection. */
  async reach(): Promise<void> {
    await this.open('connecting');
  }

  /** Asks any broker. */
  ask<T>(action: string, request: (broker: KafkajsBroker) => Promise<T>): Promise<T> {
    return this.repeat(action, async (cluster) => request(await anyBroker(cluster)));
  }

  /** Asks all brokers, one after the other. */
  askAll<T>(action: string, request: (broker: KafkajsBroker) => Promise<T>): Promise<T[]> {
    return this.repeat(action, async (cluster) => {
      const answers: T[] = [];
      for (const nodeId of cluster.getNodeIds()) {
        answers.push(await request(await cluster.findBroker({ nodeId })));
      }
      return answers;
    });
  }

  /** Asks the broker that changes topics. */
  askController<T>(action: string, request: (broker: KafkajsBroker) => Promise<T>): Promise<T> {
    return this.repeat(action, async (cluster) => request(await cluster.findControllerBroker()));
  }

  /** Asks the broker that keeps the offsets of a group. */
  askCoordinator<T>(
    action: string,
    groupId: string,
    request: (broker: KafkajsBroker) => Promise<T>,
  ): Promise<T> {
    const group: Coordinated = { type: 'group', id: groupId };
    return this.repeat(action, async (cluster) => {
      const broker = await this.coordinators.of(cluster, group);
      return request(broker).catch((error: unknown) => {
        this.coordinators.forget(group);
        throw error;
      });
    });
  }

  /**
   * Asks for each partition the broker that leads it: each broker once, for all of its partitions.
   * @param which these partitions, `all` of the topic, or those that are `led`, without those that no
   * broker leads @default 'all'
   * @throws KafkaReplyError UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE
   */
  askLeaders<T>(
    action: string,
    topic: string,
    request: (broker: KafkajsBroker, partitions: readonly number[]) => Promise<T>,
    which: Which = 'all',
  ): Promise<T[]> {
    return this.repeat(action, async (cluster) => {
      const found = await metadataOf(cluster, topic);
      const answers: T[] = [];
      for (const [nodeId, partitions] of leadersOf(action, found, which)) {
        answers.push(await request(await cluster.findBroker({ nodeId }), partitions));
      }
      return answers;
    });
  }

  /** @throws KafkaReplyError UNKNOWN_TOPIC_OR_PARTITION */
  metadata(topic: string): Promise<TopicMetadata> {
    return this.repeat('looking for a topic', (cluster) => metadataOf(cluster, topic));
  }

  /** Repeats a request while it can succeed, for `requestTimeout`. Every one may be carried out twice. */
  private async repeat<T>(
    action: string,
    request: (cluster: KafkajsCluster) => Promise<T>,
  ): Promise<T> {
    const deadline = systemClock.now() + this.requestTimeout;
    const backoff = new Backoff();
    for (;;) {
      const cluster = await this.open(action);
      try {
        await knowBrokers(cluster);
        return await request(cluster);
      } catch (error) {
        const isUnknown = cluster.getNodeIds().length === 0;
        const typed = isUnknown
          ? connectError(error, action, NO_METADATA)
          : typedError(error, action);
        const isOver = systemClock.now() >= deadline || this.access.isClosed;
        if (isOver || !(typed instanceof KafkaConnectionError || isPassing(typed))) throw typed;
        await sleep(systemClock, Math.min(backoff.next(), deadline - systemClock.now()));
        await cluster.refreshMetadata().catch(() => undefined);
      }
    }
  }

  private async open(action: string): Promise<KafkajsCluster> {
    this.opened ??= this.access.cluster();
    this.opened.catch(() => (this.opened = undefined));
    const cluster = await this.opened;
    await this.access.connected(cluster, action);
    return cluster;
  }
}

/** @throws the error of kafkajs, where the broker knows nothing of the topic */
async function metadataOf(cluster: KafkajsCluster, topic: string): Promise<TopicMetadata> {
  const broker = await anyBroker(cluster);
  const { topicMetadata } = await broker.metadata([topic]);
  const found = topicMetadata[0]!;
  if (found.error) throw found.error;
  return found;
}

/** Partitions by the broker that leads them. */
function leadersOf(
  action: string,
  { topic, partitionMetadata }: TopicMetadata,
  which: Which,
): Map<number, number[]> {
  const leaders = new Map<number, number[]>();
  for (const { partitionId, leader } of partitionMetadata) {
    if (typeof which !== 'string' && !which.includes(partitionId)) continue;
    if (leader < 0 && which === 'led') continue;
    if (leader < 0) throw leaderless(action, topic, partitionId);
    const partitions = leaders.get(leader) ?? [];
    partitions.push(partitionId);
    leaders.set(leader, partitions);
  }
  return leaders;
}

const leaderless = (action: string, topic: string, partition: number): KafkaReplyError =>
  new KafkaReplyError(
    action,
    'LEADER_NOT_AVAILABLE',
    `No broker leads partition ${partition} of the topic "${topic}"`,
  );
