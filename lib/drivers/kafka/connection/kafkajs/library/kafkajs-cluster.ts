import type { Cluster } from 'kafkajs';
import type { KafkajsBroker, Metadata } from './kafkajs-broker.js';

/** The connections of kafkajs to all brokers of a cluster, with what its types leave out. */
export interface KafkajsCluster extends Omit<
  Cluster,
  'findBroker' | 'findControllerBroker' | 'findGroupCoordinator' | 'getNodeIds'
> {
  /** The topics that are asked for whenever metadata is. Where there are none, all topics are. */
  targetTopics: Set<string>;
  readonly brokerPool: BrokerPool;
  getNodeIds(): string[];
  /** Connects where there is no connection yet. */
  findBroker(of: { readonly nodeId: string | number }): Promise<KafkajsBroker>;
  findControllerBroker(): Promise<KafkajsBroker>;
}

interface BrokerPool {
  /** What was told last of the target topics. */
  readonly metadata: Metadata | null;
  createBroker: (options: object) => KafkajsBroker;
  /** Any broker: one to which there is a connection, if there is one. */
  findConnectedBroker(): Promise<KafkajsBroker>;
}

/** The only place where this driver says that it knows more of kafkajs than its types. */
export const clusterOf = (cluster: Cluster): KafkajsCluster => cluster as unknown as KafkajsCluster;
