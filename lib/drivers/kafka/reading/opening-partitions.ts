import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { GroupOffset, KafkaAdmin, PartitionOffsets } from '../connection/kafka-client.js';
import type { TopicMarks } from '../groups/mark.js';
import { decodeMetadata } from '../partitions/offset-metadata.js';
import type { PartitionState } from '../partitions/partition-state.js';
import type { PartitionStates } from '../partitions/partition-states.js';
import type { ReadTopic } from './read-topic.js';

export interface OpeningParts {
  readonly read: ReadTopic;
  readonly admin: Pick<KafkaAdmin, 'groupOffsets' | 'offsets'>;
  readonly states: PartitionStates;
  readonly marks: () => Promise<TopicMarks>;
  readonly onOpened: (state: PartitionState, marks: TopicMarks) => void;
  readonly onFailed: (error: Error) => void;
}

/** Finds out where to read on in partitions that the member has got. */
export class OpeningPartitions {
  /** The partitions that are being opened, each with the call that does so. */
  private readonly opening = new Map<number, symbol>();

  constructor(private readonly parts: OpeningParts) {}

  has(partition: number): boolean {
    return this.opening.has(partition);
  }

  /** Resolves once they are open, or were given up. Goes on until then. */
  async open(partitions: readonly number[]): Promise<void> {
    const call = Symbol();
    for (const partition of partitions) this.opening.set(partition, call);
    const backoff = new Backoff(50, 2000);
    for (;;) {
      const missing = partitions.filter((partition) => this.opening.get(partition) === call);
      if (missing.length === 0) return;
      try {
        await this.openSome(missing, call);
      } catch (error) {
        this.parts.onFailed(error as Error);
        await sleep(systemClock, backoff.next());
      }
    }
  }

  /** The member has this partition no more. */
  giveUp(partition: number): void {
    this.opening.delete(partition);
  }

  giveUpAll(): void {
    this.opening.clear();
  }

  private async openSome(partitions: readonly number[], call: symbol): Promise<void> {
    const { admin, read, states, onOpened } = this.parts;
    const [committed, logs, marks] = await Promise.all([
      admin.groupOffsets(read.groupId, read.topic),
      admin.offsets(read.topic, 'led'),
      this.parts.marks(),
    ]);
    await Promise.all(
      partitions.map(async (partition) => {
        const log = logs.find((one) => one.partition === partition);
        if (!log) throw new Error(`Partition ${partition} of '${read.topic}' has no offsets yet.`);
        const known = committed.find((one) => one.partition === partition);
        const state = await states.open(partition, startOf(log, known, marks), log.low);
        if (this.opening.get(partition) === call) {
          this.opening.delete(partition);
          onOpened(state, marks);
        } else states.close(state);
      }),
    );
  }
}

/** Where a partition begins: where its group was, or as the group was made after that. */
function startOf(
  { partition, low }: PartitionOffsets,
  known: GroupOffset | undefined,
  marks: TopicMarks,
): { offset: number; metadata: string } {
  const mark = marks.at(partition);
  const { offset, metadata = '' } = known ?? {};
  // A partition without an offset is newer than the group.
  if (offset === undefined) return { offset: Math.max(mark?.offset ?? low, low), metadata: '' };
  const isMadeLater =
    mark?.kind === 'created' && mark.n > decodeMetadata(offset, metadata).markNumber;
  return isMadeLater ? { offset: Math.max(mark.offset, low), metadata: '' } : { offset, metadata };
}

/** Goes on where the position of the group was set, if the partition does not know of that. Returns whether. */
export function applyMark(state: PartitionState, marks: TopicMarks): boolean {
  const mark = marks.at(state.partition);
  if (!mark || mark.n <= state.markNumber) return false;
  // Leases of a group that was deleted are over, and what it has done by then is done.
  const offset = mark.kind === 'deleted' ? state.position : mark.offset;
  state.moveTo(offset, mark.n, mark.kind === 'moved');
  return true;
}
