import type { Socket } from 'node:net';
import type { Broker, Cluster, Consumer, ISocketFactory, Kafka, KafkaConfig } from 'kafkajs';
import { systemClock, within } from '../../../core/clock.js';
import { isReply } from '../errors/kafka-reply.error.js';
import { readBatch, type FetchedPartition } from './fetched-records.js';
import type { CommittedOffset } from './kafka-client.js';
import type {
  FetchAnswer,
  FetchRequest,
  GroupOptions,
  Joined,
  JoinRequest,
  KafkaGroup,
  Leaders,
  Membership,
  Share,
} from './kafka-group.js';
import { nameStaticMember } from './static-membership.js';

/** The name of the way in which partitions are shared out. All members of a group use the same. */
const PROTOCOL = 'streams-cooperative-sticky';
const READ_COMMITTED = 1;
/** Longest wait of `close` for requests that are under way, in milliseconds. */
const LAST_WORD = 500;

/** The requests of a broker that kafkajs' types leave out. */
interface GroupBroker extends Broker {
  joinGroup(request: object): Promise<{
    readonly generationId: number;
    readonly memberId: string;
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
  }>;
  syncGroup(request: object): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: object): Promise<unknown>;
  leaveGroup(request: object): Promise<unknown>;
}

export interface KafkajsParts {
  readonly AssignerProtocol: (typeof import('kafkajs'))['AssignerProtocol'];
  /** Makes a client of its own: kafkajs' members of one client and one group disturb each other. */
  readonly client: (config: Pick<KafkaConfig, 'socketFactory'>) => Kafka;
  readonly socketFactory: ISocketFactory;
  readonly typed: (action: string, error: unknown) => Error;
}

/**
 * A member's requests by kafkajs. Its `consumer` is never run: it repeats a commit in the next
 * generation, in which the partition may be another member's, resets what the group has committed
 * where records were deleted, and has no static members. It gives us its connections instead.
 */
export class KafkajsGroup implements KafkaGroup {
  private readonly consumer: Consumer;
  private readonly sockets = new Set<Socket>();
  private cluster!: Cluster;
  private connected: Promise<void> | undefined;
  private coordinator: Promise<GroupBroker> | undefined;

  constructor(
    private readonly options: GroupOptions,
    private readonly parts: KafkajsParts,
  ) {
    const kafka = parts.client({ socketFactory: (args) => this.openSocket(args) });
    this.consumer = kafka.consumer({
      groupId: options.groupId,
      allowAutoTopicCreation: false,
      partitionAssigners: [
        ({ cluster }) => {
          this.cluster = cluster;
          const metadata = Buffer.alloc(0);
          return {
            ...{ name: PROTOCOL, version: 1, assign: async () => [] },
            protocol: () => ({ name: PROTOCOL, metadata }),
          };
        },
      ],
    });
  }

  async leaders(): Promise<Leaders | undefined> {
    const { topic } = this.options;
    try {
      await this.connect();
      await this.cluster.addTargetTopic(topic);
      await this.cluster.refreshMetadata();
      const leaders = new Map<string, number[]>();
      for (const { partitionId, leader } of this.cluster.findTopicPartitionMetadata(topic)) {
        const node = String(leader);
        leaders.set(node, [...(leaders.get(node) ?? []), partitionId]);
      }
      return leaders.size === 0 ? undefined : leaders;
    } catch (error) {
      const typed = this.parts.typed(`look up the topic '${topic}'`, error);
      if (isReply(typed, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined;
      throw typed;
    }
  }

  async join({ memberId, claim }: JoinRequest): Promise<Joined> {
    const { groupId, topic, sessionTimeout, rebalanceTimeout } = this.options;
    const { MemberMetadata } = this.parts.AssignerProtocol;
    const metadata = MemberMetadata.encode({ version: 1, topics: [topic], userData: claim });
    const joined = await this.ask('join', (broker) =>
      broker.joinGroup({
        ...{ groupId, sessionTimeout, rebalanceTimeout, memberId },
        groupProtocols: [{ name: PROTOCOL, metadata }],
      }),
    );
    return {
      memberId: joined.memberId,
      generation: joined.generationId,
      members: joined.members.map((member) => ({
        memberId: member.memberId,
        claim: MemberMetadata.decode(member.memberMetadata)?.userData ?? Buffer.alloc(0),
      })),
    };
  }

  async sync(member: Membership, shares: readonly Share[]): Promise<readonly number[]> {
    const { groupId, topic } = this.options;
    const { MemberAssignment } = this.parts.AssignerProtocol;
    const groupAssignment = shares.map(({ memberId, partitions }) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({
        version: 1,
        assignment: { [topic]: [...partitions] },
        userData: Buffer.alloc(0),
      }),
    }));
    const { memberAssignment } = await this.ask('share out partitions', (broker) =>
      broker.syncGroup({
        ...{ groupId, memberId: member.memberId, generationId: member.generation },
        groupAssignment,
      }),
    );
    return MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
  }

  async heartbeat({ memberId, generation }: Membership): Promise<void> {
    const { groupId } = this.options;
    await this.ask('heartbeat', (broker) =>
      broker.heartbeat({ groupId, memberId, groupGenerationId: generation }),
    );
  }

  async leave({ memberId }: Membership): Promise<void> {
    const { groupId, instanceId } = this.options;
    if (instanceId !== undefined) return;
    await this.ask('leave', (broker) => broker.leaveGroup({ groupId, memberId }));
  }

  async commit(member: Membership, offsets: readonly CommittedOffset[]): Promise<void> {
    const { groupId, topic } = this.options;
    const partitions = offsets.map(({ partition, offset, metadata }) => ({
      ...{ partition, metadata },
      offset: String(offset),
    }));
    await this.ask('commit', (broker) =>
      broker.offsetCommit({
        ...{ groupId, memberId: member.memberId, groupGenerationId: member.generation },
        topics: [{ topic, partitions }],
      }),
    );
  }

  async fetch(request: FetchRequest): Promise<FetchAnswer> {
    const { topic } = this.options;
    const { maxWait, maxBytes, maxBytesPerPartition, positions } = request;
    const partitions = positions.map(({ partition, offset }) => ({
      ...{ partition, maxBytes: maxBytesPerPartition },
      fetchOffset: String(offset),
    }));
    try {
      const broker = await this.cluster.findBroker({ nodeId: request.node });
      const { responses } = (await broker.fetch({
        ...{ maxWaitTime: maxWait, minBytes: 1, maxBytes, isolationLevel: READ_COMMITTED },
        topics: [{ topic, partitions }],
      })) as {
        readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[];
      };
      const from = new Map(positions.map(({ partition, offset }) => [partition, offset]));
      const fetched = responses.flatMap((response) => response.partitions);
      return { batches: fetched.map((one) => readBatch(topic, from.get(one.partition)!, one)) };
    } catch (error) {
      const { partition, name } = error as { readonly partition?: number; readonly name?: string };
      if (name === 'KafkaJSOffsetOutOfRange') return { batches: [], outOfRange: partition! };
      throw this.parts.typed(`read the topic '${topic}'`, error);
    }
  }

  async close(): Promise<void> {
    const disconnected = this.consumer.disconnect().catch(() => undefined);
    await within(systemClock, LAST_WORD, disconnected);
    for (const socket of this.sockets) socket.destroy();
  }

  private connect(): Promise<void> {
    this.connected ??= this.consumer.connect().catch((error: unknown) => {
      this.connected = undefined;
      throw error;
    });
    return this.connected;
  }

  private openSocket(args: Parameters<ISocketFactory>[0]): Socket {
    const socket = this.parts.socketFactory(args) as Socket;
    const { instanceId } = this.options;
    if (instanceId !== undefined) nameStaticMember(socket, instanceId);
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }

  /** Asks the coordinator of the group. After an error it is looked for again. */
  private async ask<T>(action: string, request: (broker: GroupBroker) => Promise<T>): Promise<T> {
    const { groupId } = this.options;
    const coordinator = (this.coordinator ??= this.findCoordinator());
    try {
      return await request(await coordinator);
    } catch (error) {
      const typed = this.parts.typed(`${action} as a member of the group '${groupId}'`, error);
      const isAnswer = isReply(typed, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION');
      if (!isAnswer && this.coordinator === coordinator) this.coordinator = undefined;
      throw typed;
    }
  }

  private async findCoordinator(): Promise<GroupBroker> {
    await this.connect();
    const { groupId } = this.options;
    return (await this.cluster.findGroupCoordinator({ groupId })) as GroupBroker;
  }
}
