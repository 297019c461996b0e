import { isReply } from '../../../errors/kafka-reply.error.js';
import type {
  CommittedOffset,
  GroupDescription,
  GroupOffset,
  Partitions,
} from '../../kafka-client.js';
import type { DescribedGroup, OffsetAnswer } from '../library/kafkajs-broker.js';
import type { KafkajsBrokers } from './kafkajs-brokers.js';
import { typedError } from '../library/kafkajs-errors.js';
import type { KafkaJS } from '../library/kafkajs-package.js';

/** A commit of no member. */
const NO_MEMBER = { memberId: '', groupGenerationId: -1 } as const;

/** The requests about groups. */
export class KafkajsGroups {
  constructor(
    private readonly brokers: KafkajsBrokers,
    private readonly kafkajs: () => Promise<KafkaJS>,
  ) {}

  async offsets(groupId: string, topic: string): Promise<GroupOffset[]> {
    const { partitionMetadata } = await this.brokers.metadata(topic);
    const partitions = partitionMetadata.map(({ partitionId }) => ({ partition: partitionId }));
    const { responses } = await this.fetched(groupId, [{ topic, partitions }]);
    const found = (responses[0]?.partitions ?? []).map(committed);
    return found.sort((a, b) => a.partition - b.partition);
  }

  async allOffsets(groupId: string): Promise<Map<string, GroupOffset[]>> {
    const { responses } = await this.fetched(groupId, []);
    return new Map(
      responses.map(({ topic, partitions }) => [
        topic,
        partitions.map(committed).filter(({ offset }) => offset !== undefined),
      ]),
    );
  }

  async setOffsets(
    groupId: string,
    topic: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void> {
    const partitions = offsets.map((one) => ({ ...one, offset: String(one.offset) }));
    await this.brokers.askCoordinator(`setting offsets of "${groupId}"`, groupId, (broker) =>
      broker.offsetCommit({ groupId, ...NO_MEMBER, topics: [{ topic, partitions }] }),
    );
  }

  async list(): Promise<string[]> {
    const answers = await this.brokers.askAll('listing groups', (broker) => broker.listGroups());
    return answers.flatMap(({ groups }) => groups.map(({ groupId }) => groupId));
  }

  async describe(groupIds: readonly string[]): Promise<GroupDescription[]> {
    const { AssignerProtocol } = await this.kafkajs();
    const assigned = (assignment: Buffer): Partitions =>
      AssignerProtocol.MemberAssignment.decode(assignment)?.assignment ?? {};
    const described: GroupDescription[] = [];
    for (const groupId of groupIds) {
      const { groups } = await this.brokers.askCoordinator(
        `describing "${groupId}"`,
        groupId,
        (broker) => broker.describeGroups({ groupIds: [groupId] }) as Promise<Described>,
      );
      described.push(...groups.map((group) => description(group, assigned)));
    }
    return described;
  }

  async delete(groupIds: readonly string[]): Promise<void> {
    for (const groupId of groupIds) {
      const action = `deleting "${groupId}"`;
      const { results } = await this.brokers.askCoordinator(action, groupId, (broker) =>
        broker.deleteGroups([groupId]),
      );
      const { error } = results[0] ?? {};
      const typed = error && typedError(error, action);
      if (typed && !isReply(typed, 'GROUP_ID_NOT_FOUND')) throw typed;
    }
  }

  private fetched(groupId: string, topics: readonly object[]) {
    return this.brokers.askCoordinator(`reading offsets of "${groupId}"`, groupId, (broker) =>
      broker.offsetFetch({ groupId, topics }),
    );
  }
}

interface Described {
  readonly groups: readonly DescribedGroup[];
}

const committed = ({
  partition,
  offset,
  metadata,
}: OffsetAnswer & { readonly metadata: string | null }): GroupOffset => ({
  partition,
  offset: Number(offset) < 0 ? undefined : Number(offset),
  metadata: metadata ?? '',
});

const description = (
  { groupId, state, members }: DescribedGroup,
  assigned: (assignment: Buffer) => Partitions,
): GroupDescription => ({
  groupId,
  state: (state === '' ? 'Dead' : state) as GroupDescription['state'],
  members: members.map(({ memberId, clientId, clientHost, memberAssignment }) => ({
    memberId,
    clientId,
    host: clientHost.replace(/^\//, ''),
    partitions: memberAssignment.length === 0 ? {} : assigned(memberAssignment),
  })),
});
