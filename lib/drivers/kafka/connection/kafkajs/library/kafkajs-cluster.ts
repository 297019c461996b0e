import type { Broker, Cluster } from 'kafkajs';

/** What kafkajs' types leave out of its clusters. */
export interface KafkajsCluster extends Cluster {
  /** The topics that are asked for whenever metadata is. Where there are none, all topics are. */
  targetTopics: Set<string>;
  findGroupCoordinator(of: { groupId: string; coordinatorType?: number }): Promise<Broker>;
}
