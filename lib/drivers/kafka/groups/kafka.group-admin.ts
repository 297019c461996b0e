import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import type { GroupAdmin, StreamReport } from '../../../ports/group-admin.js';
import type { KafkaClient } from '../connection/kafka-client.js';
import { isReply } from '../errors/kafka-reply.error.js';
import type { Names } from '../names/names.js';
import { describeStreams } from './describing.js';
import type { GroupMarks } from './group-marks.js';
import type { Groups } from './groups.js';
import type { OnTopic } from './marks-writer.js';
import { RecordsAt } from './records-at.js';

export interface GroupAdminParts {
  readonly client: Pick<KafkaClient, 'admin'>;
  readonly names: Names;
  readonly groups: Groups;
  /** Makes the topic of a stream where it is missing. */
  readonly makeTopic: (topic: string) => Promise<unknown>;
}

/** The groups of streams: a Kafka group for each topic, and the marks of the group. */
export class KafkaGroupAdmin implements GroupAdmin {
  private readonly records: RecordsAt;

  constructor(private readonly parts: GroupAdminParts) {
    this.records = new RecordsAt(parts.client.admin);
  }

  async create(
    stream: string,
    group: string,
    { startId, createStream }: { readonly startId: string; readonly createStream: boolean },
  ): Promise<boolean> {
    const { groups, makeTopic, names } = this.parts;
    const topic = names.topic(stream);
    if (createStream) await makeTopic(topic);
    return this.decide({ group, topic }, async (state) => {
      if (!state) throw new StreamNotFoundError(stream);
      if (state.exists) return undefined;
      if (state.marks.deleted) await this.markRetries(stream, group, 'created');
      return { kind: 'created', offsets: await groups.positionsOf(topic, startId) };
    });
  }

  async delete(stream: string, group: string): Promise<boolean> {
    const topic = this.parts.names.topic(stream);
    const deleted = await this.decide({ group, topic }, (state) => {
      if (!state?.exists) return undefined;
      return { kind: 'deleted', offsets: new Map(state.partitions.map((at) => [at, 0])) };
    });
    if (deleted) {
      await this.markRetries(stream, group, 'deleted');
      await this.deleteEmpty(stream, group);
    }
    return deleted;
  }

  async describe(streams: readonly string[]): Promise<(StreamReport | undefined)[]> {
    const { client, names } = this.parts;
    return describeStreams({ admin: client.admin, names, records: this.records }, streams);
  }

  async setPosition(stream: string, group: string, id: string): Promise<void> {
    const { groups, names } = this.parts;
    await this.move(stream, group, () => groups.movesTo(names.topic(stream), id));
  }

  /** Sets where the group reads on: with the first entry of this time or later, in milliseconds since the epoch. */
  async setPositionAt(stream: string, group: string, time: number): Promise<void> {
    const { client, names } = this.parts;
    await this.move(stream, group, () => client.admin.offsetsAt(names.topic(stream), time));
  }

  /** Consumers of this process have looked at what was decided when this resolves. */
  private async decide(on: OnTopic, decide: Parameters<GroupMarks['decide']>[1]): Promise<boolean> {
    const { marks } = this.parts.groups;
    const decided = await marks.decide(on, decide);
    if (decided) await marks.tell(on);
    return decided;
  }

  private async move(
    stream: string,
    group: string,
    position: () => Promise<ReadonlyMap<number, number>>,
  ): Promise<void> {
    await this.decide({ group, topic: this.parts.names.topic(stream) }, async (state) => {
      if (!state) throw new StreamNotFoundError(stream);
      if (state.marks.deleted) throw new GroupNotFoundError(stream, group, 'deleted');
      if (!state.exists) throw new GroupNotFoundError(stream, group);
      return { kind: 'moved', offsets: await position() };
    });
  }

  /** What waits for a retry goes with the group: one that is created again begins behind it. */
  private async markRetries(
    stream: string,
    group: string,
    kind: 'created' | 'deleted',
  ): Promise<void> {
    const { groups, names } = this.parts;
    const topic = names.retries(group, stream);
    await groups.marks.decide({ group, topic }, async (state) =>
      state ? { kind, offsets: await groups.positionsOf(topic, '$') } : undefined,
    );
  }

  /** Deletes the Kafka groups of a group. Those with members stay: they are without effect. */
  private async deleteEmpty(stream: string, group: string): Promise<void> {
    const { client, names } = this.parts;
    for (const kafkaGroup of [names.group(group, stream), names.retriesGroup(group, stream)]) {
      try {
        await client.admin.deleteGroups([kafkaGroup]);
      } catch (error) {
        if (!isReply(error, 'NON_EMPTY_GROUP')) throw error;
      }
    }
  }
}
