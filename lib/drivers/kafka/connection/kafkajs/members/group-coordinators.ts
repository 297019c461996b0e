import { isReply } from '../../../errors/kafka-reply.error.js';
import type { Coordinated, Coordinators } from '../access/coordinators.js';
import type { KafkajsAccess } from '../access/kafkajs-access.js';
import type { KafkajsBroker } from '../library/kafkajs-broker.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { typedError } from '../library/kafkajs-errors.js';

/** Asks the coordinators of groups, over connections that all members of a driver share. */
export class GroupCoordinators {
  private opening: Promise<KafkajsCluster> | undefined;

  constructor(
    private readonly access: KafkajsAccess,
    private readonly coordinators: Coordinators,
  ) {}

  /** Asks the coordinator of a group, once. */
  ask<T>(
    groupId: string,
    action: string,
    request: (broker: KafkajsBroker) => Promise<T>,
  ): Promise<T> {
    return this.askOver(() => this.shared(action), groupId, action, request);
  }

  /** The same over other connections. After an error the coordinator is looked for again. */
  async askOver<T>(
    connect: () => Promise<KafkajsCluster>,
    groupId: string,
    action: string,
    request: (broker: KafkajsBroker) => Promise<T>,
  ): Promise<T> {
    const group: Coordinated = { type: 'group', id: groupId };
    try {
      return await request(await this.coordinators.of(await connect(), group));
    } catch (error) {
      const typed = typedError(error, action);
      const isAnswer = isReply(typed, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION');
      if (!isAnswer) this.coordinators.forget(group);
      throw typed;
    }
  }

  private async shared(action: string): Promise<KafkajsCluster> {
    this.opening ??= this.access.cluster();
    const cluster = await this.opening;
    await this.access.connected(cluster, action);
    return cluster;
  }
}
