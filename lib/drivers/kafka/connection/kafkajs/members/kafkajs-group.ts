import type { Socket } from 'node:net';
import { ClosedError } from '../../../../../core/errors/start-up.errors.js';
import { isReply } from '../../../errors/kafka-reply.error.js';
import type { CommittedOffset } from '../../kafka-client.js';
import {
  NO_NODE,
  type FetchAnswer,
  type FetchRequest,
  type GroupOptions,
  type Joined,
  type JoinRequest,
  type KafkaGroup,
  type Leaders,
  type Membership,
  type Share,
} from '../../kafka-group.js';
import type { KafkajsAccess } from '../access/kafkajs-access.js';
import { withRequests, type KafkajsBroker } from '../library/kafkajs-broker.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { typedError } from '../library/kafkajs-errors.js';
import type { GroupCoordinators } from './group-coordinators.js';
import { loadKafkaJS } from '../library/kafkajs-package.js';
import { KafkajsFetching } from './kafkajs-fetching.js';
import { nameStaticMember } from './static-membership.js';

/** The name of the way in which partitions are shared out. All members of a group use the same. */
const PROTOCOL = 'streams-cooperative-sticky';

export interface KafkajsGroupParts {
  readonly access: KafkajsAccess;
  readonly groups: GroupCoordinators;
}

/**
 * A member's requests by kafkajs. Its `consumer` is not used: it repeats a commit in the next
 * generation, in which the partition may be another member's, resets what the group has committed
 * where records were deleted, and has no static members.
 *
 * Joins and fetches go over connections of their own, since a broker answers nothing else on a connection
 * until they are done. Commits and heartbeats share those of all members.
 */
export class KafkajsGroup implements KafkaGroup {
  private opening: Promise<KafkajsCluster> | undefined;
  private readonly fetching: KafkajsFetching;
  private closed = false;

  constructor(
    private readonly options: GroupOptions,
    private readonly parts: KafkajsGroupParts,
  ) {
    this.fetching = new KafkajsFetching(options.topic);
  }

  async leaders(): Promise<Leaders | undefined> {
    const { topic } = this.options;
    try {
      const cluster = await this.cluster();
      cluster.targetTopics.add(topic);
      await cluster.refreshMetadata();
      const found = cluster.brokerPool.metadata?.topicMetadata.find((one) => one.topic === topic);
      if (found?.error) throw found.error;
      const leaders = new Map<string, number[]>();
      for (const { partitionId, leader } of found?.partitionMetadata ?? []) {
        const node = leader < 0 ? NO_NODE : String(leader);
        leaders.set(node, [...(leaders.get(node) ?? []), partitionId]);
      }
      return leaders.size === 0 ? undefined : leaders;
    } catch (error) {
      const typed = typedError(error, `looking up the topic '${topic}'`);
      if (isReply(typed, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined;
      throw typed;
    }
  }

  async join({ memberId, claim, onMemberId }: JoinRequest): Promise<Joined> {
    const { groupId, topic, sessionTimeout, rebalanceTimeout } = this.options;
    const { MemberMetadata } = (await loadKafkaJS()).AssignerProtocol;
    const metadata = MemberMetadata.encode({ version: 1, topics: [topic], userData: claim });
    const joined = await this.askItself('joining', (broker) =>
      tellingMemberId(broker, onMemberId).joinGroup({
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
    const { MemberAssignment } = (await loadKafkaJS()).AssignerProtocol;
    const groupAssignment = shares.map(({ memberId, partitions }) => ({
      memberId,
      memberAssignment: MemberAssignment.encode({
        version: 1,
        assignment: { [topic]: [...partitions] },
        userData: Buffer.alloc(0),
      }),
    }));
    const { memberAssignment } = await this.askItself('sharing out partitions', (broker) =>
      broker.syncGroup({
        ...{ groupId, memberId: member.memberId, generationId: member.generation },
        groupAssignment,
      }),
    );
    return MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
  }

  async heartbeat({ memberId, generation }: Membership): Promise<void> {
    const { groupId } = this.options;
    await this.ask('keeping alive', (broker) =>
      broker.heartbeat({ groupId, memberId, groupGenerationId: generation }),
    );
  }

  async leave(memberId: string): Promise<void> {
    const { groupId, instanceId } = this.options;
    if (instanceId !== undefined) return;
    await this.ask('leaving', (broker) => broker.leaveGroup({ groupId, memberId }));
  }

  async commit(member: Membership, offsets: readonly CommittedOffset[]): Promise<void> {
    const { groupId, topic } = this.options;
    const partitions = offsets.map(({ partition, offset, metadata }) => ({
      ...{ partition, metadata },
      offset: String(offset),
    }));
    await this.ask('committing', (broker) =>
      broker.offsetCommit({
        ...{ groupId, memberId: member.memberId, groupGenerationId: member.generation },
        topics: [{ topic, partitions }],
      }),
    );
  }

  fetch(request: FetchRequest): Promise<FetchAnswer> {
    const { node: nodeId } = request;
    const find = async (): Promise<KafkajsBroker> => (await this.cluster()).findBroker({ nodeId });
    return this.fetching.fetch(find, request);
  }

  async close(): Promise<void> {
    this.closed = true;
    const cluster = await this.opening?.catch(() => undefined);
    if (cluster) await this.parts.access.end(cluster);
  }

  /** Its own connections. */
  private async cluster(): Promise<KafkajsCluster> {
    const { access } = this.parts;
    if (this.closed) throw new ClosedError('The member of the group');
    const { instanceId } = this.options;
    this.opening ??= access.cluster(
      instanceId === undefined
        ? {}
        : { onSocket: (socket: Socket) => nameStaticMember(socket, instanceId) },
    );
    const cluster = await this.opening;
    await access.connected(cluster, `reading the topic '${this.options.topic}'`);
    return cluster;
  }

  /** Asks the coordinator of the group over the connections of all members. */
  private ask<T>(action: string, request: (broker: KafkajsBroker) => Promise<T>): Promise<T> {
    return this.parts.groups.ask(this.options.groupId, this.named(action), request);
  }

  /** The same over connections of its own. */
  private askItself<T>(action: string, request: (broker: KafkajsBroker) => Promise<T>): Promise<T> {
    const connect = (): Promise<KafkajsCluster> => this.cluster();
    return this.parts.groups.askOver(connect, this.options.groupId, this.named(action), request);
  }

  private named(action: string): string {
    return `${action} as a member of the Kafka group '${this.options.groupId}'`;
  }
}

/**
 * The same broker, which tells the id that it has given to a new member. kafkajs joins again with that id
 * by itself, and returns it when all members have joined: too late to leave with it.
 */
const tellingMemberId = (
  broker: KafkajsBroker,
  onMemberId: (memberId: string) => void,
): KafkajsBroker =>
  withRequests(broker, (make) => (request) => {
    if (request.memberId) onMemberId(request.memberId);
    return make(request);
  });
