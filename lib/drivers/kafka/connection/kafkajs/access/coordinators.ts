import { Backoff } from '../../../../../core/backoff.js';
import { sleep, systemClock } from '../../../../../core/clock.js';
import type { KafkajsBroker } from '../library/kafkajs-broker.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { brokerWord } from '../library/kafkajs-refusals.js';

/** What a broker coordinates: offsets of groups, transactions of producers. Numbers of the protocol. */
const TYPES = { group: 0, transaction: 1 } as const;

/** For how long a coordinator is waited for that is being chosen, in milliseconds. */
const CHOOSING = 1000;
/** Most coordinators that are remembered. When there are more, all are looked for again. */
const MOST = 10_000;

/** What is coordinated: a Kafka group by its id, or the transactions of a transactional id. */
export interface Coordinated {
  readonly type: keyof typeof TYPES;
  readonly id: string;
}

/** Knows which broker coordinates what, for all connections of a driver. */
export class Coordinators {
  private readonly found = new Map<string, Promise<number>>();

  /**
   * Returns the coordinator, over the connections of this cluster. Where it is not known, any broker is
   * asked. A coordinator that cannot be reached is forgotten.
   */
  async of(cluster: KafkajsCluster, of: Coordinated): Promise<KafkajsBroker> {
    await knowBrokers(cluster);
    const finding = this.found.get(keyOf(of)) ?? this.find(cluster, of);
    try {
      return await cluster.findBroker({ nodeId: await finding });
    } catch (error) {
      if (this.found.get(keyOf(of)) === finding) this.forget(of);
      throw error;
    }
  }

  /** The coordinator has moved, or may have: it is looked for at the next call. */
  forget(of: Coordinated): void {
    this.found.delete(keyOf(of));
  }

  private find(cluster: KafkajsCluster, of: Coordinated): Promise<number> {
    if (this.found.size >= MOST) this.found.clear();
    const finding = ask(cluster, of);
    this.found.set(keyOf(of), finding);
    return finding;
  }
}

/** Brokers choose a coordinator when they are asked for the first one: until then they have none. */
async function ask(cluster: KafkajsCluster, { type, id }: Coordinated): Promise<number> {
  const request = { groupId: id, coordinatorType: TYPES[type] };
  const until = systemClock.now() + CHOOSING;
  const pauses = new Backoff(20, 200);
  for (;;) {
    const broker = await anyBroker(cluster);
    try {
      return (await broker.findGroupCoordinator(request)).coordinator.nodeId;
    } catch (error) {
      const isChoosing = brokerWord(error) === 'GROUP_COORDINATOR_NOT_AVAILABLE';
      if (!isChoosing || systemClock.now() >= until) throw error;
      await sleep(systemClock, pauses.next());
    }
  }
}

/** Any broker that can be reached: one to which there is a connection, if there is one. */
export async function anyBroker(cluster: KafkajsCluster): Promise<KafkajsBroker> {
  await knowBrokers(cluster);
  return cluster.brokerPool.findConnectedBroker();
}

/** kafkajs says that it is connected before it knows the brokers. */
export async function knowBrokers(cluster: KafkajsCluster): Promise<void> {
  if (cluster.getNodeIds().length === 0) await cluster.refreshMetadata();
}

const keyOf = ({ type, id }: Coordinated): string => `${type}:${id}`;
