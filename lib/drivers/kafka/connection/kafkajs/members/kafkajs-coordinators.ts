import type { Broker, Cluster } from 'kafkajs';
import { isReply } from '../../../errors/kafka-reply.error.js';
import type { KafkajsAccess } from '../access/kafkajs-access.js';
import { typedError } from '../library/kafkajs-errors.js';

/** The requests of a broker that kafkajs' types leave out. */
export interface GroupBroker extends Broker {
  joinGroup(request: object): Promise<{
    readonly generationId: number;
    readonly memberId: string;
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
  }>;
  syncGroup(request: object): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: object): Promise<unknown>;
  leaveGroup(request: object): Promise<unknown>;
}

/** The coordinators of groups, over connections that all members of a driver share. */
export class KafkajsCoordinators {
  private opening: Promise<Cluster> | undefined;
  private readonly found = new Map<string, Promise<GroupBroker>>();

  constructor(private readonly access: KafkajsAccess) {}

  /** Asks the coordinator of a group. After an error it is looked for again. */
  async ask<T>(
    groupId: string,
    action: string,
    request: (broker: GroupBroker) => Promise<T>,
  ): Promise<T> {
    let coordinator = this.found.get(groupId);
    if (!coordinator) {
      coordinator = this.find(groupId, action);
      this.found.set(groupId, coordinator);
    }
    try {
      return await request(await coordinator);
    } catch (error) {
      const typed = typedError(error, action);
      const isAnswer = isReply(typed, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION');
      if (!isAnswer && this.found.get(groupId) === coordinator) this.found.delete(groupId);
      throw typed;
    }
  }

  private async find(groupId: string, action: string): Promise<GroupBroker> {
    this.opening ??= this.access.cluster();
    const cluster = await this.opening;
    await this.access.connected(cluster, action);
    return (await cluster.findGroupCoordinator({ groupId })) as GroupBroker;
  }
}
