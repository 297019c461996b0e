import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import type { PartitionOffsets } from '../connection/kafka-client.js';
import { placeOf } from '../ids/message-ids.js';
import type { GroupMarks } from './group-marks.js';
import type { MarksParts, OnTopic } from './marks-writer.js';

/** The group that a consumer wants to read. */
export interface WantedGroup extends OnTopic {
  /** `0`, `$` or the id behind which a new group begins. */
  readonly startId: string;
  /** Makes the group where it is missing. The topic has to exist. */
  readonly create: boolean;
}

/** `there`: consumers may read. The others say why not. */
export type OpenedGroup = 'there' | 'deleted' | 'no-stream' | 'no-group';

/** Looks for groups on behalf of consumers, and knows where groups begin. */
export class Groups {
  constructor(
    private readonly parts: MarksParts,
    readonly marks: GroupMarks,
  ) {}

  /** Finds a group for a consumer, and makes it where that is wanted. Never makes one that was deleted. */
  async open(wanted: WantedGroup): Promise<OpenedGroup> {
    const { create, startId } = wanted;
    const state = await this.marks.state(wanted);
    if (!state) return 'no-stream';
    if (state.marks.deleted) return 'deleted';
    if (state.exists) return 'there';
    if (!create) return 'no-group';
    await this.marks.decide(wanted, async (now) =>
      !now || now.exists || now.marks.deleted
        ? undefined
        : { kind: 'created', offsets: await this.positionsOf(wanted.topic, startId) },
    );
    // Another process may have decided otherwise meanwhile.
    return this.open({ ...wanted, create: false });
  }

  /** Where each partition begins for a group that begins at `0`, `$`, or behind an id. */
  async positionsOf(topic: string, startId: string): Promise<ReadonlyMap<number, number>> {
    const offsets = await this.parts.client.admin.offsets(topic);
    const place = placeOf(startId);
    refuseMissing(startId, offsets);
    return new Map(
      offsets.map(({ partition, low, high }) => {
        if (startId === '$') return [partition, high];
        if (place?.partition !== partition) return [partition, low];
        return [partition, within(place.offset + 1, { low, high })];
      }),
    );
  }

  /** The positions that `setPosition` sets. An id is one of one partition: the others stay where they are. */
  async movesTo(topic: string, position: string): Promise<ReadonlyMap<number, number>> {
    const all = await this.positionsOf(topic, position);
    const place = placeOf(position);
    return place ? new Map([[place.partition, all.get(place.partition)!]]) : all;
  }
}

const within = (offset: number, { low, high }: { low: number; high: number }): number =>
  Math.min(Math.max(offset, low), high);

/** @throws InvalidOptionsError where the topic has no such partition */
function refuseMissing(id: string, offsets: readonly PartitionOffsets[]): void {
  const place = placeOf(id);
  if (!place || offsets.some(({ partition }) => partition === place.partition)) return;
  throw new InvalidOptionsError([
    `the id "${id}" is of partition ${place.partition}, and the stream has ${offsets.length} partitions`,
  ]);
}
