import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { asError } from '../../../core/errors/error-record.js';
import type { GroupOffset, KafkaAdmin, PartitionOffsets } from '../connection/kafka-client.js';
import type { TopicMarks } from '../groups/mark.js';
import { decodeMetadata } from '../partitions/offset-metadata.js';
import type { PartitionState } from '../partitions/partition-state.js';
import type { PartitionStates } from '../partitions/partition-states.js';
import { progressAt, type Progress } from '../partitions/progress.js';
import type { ReadTopic } from './read-topic.js';

export interface OpeningParts {
  readonly read: ReadTopic;
  readonly admin: Pick<KafkaAdmin, 'groupOffsets' | 'offsets'>;
  readonly states: Pick<PartitionStates, 'open' | 'close'>;
  readonly marks: () => Promise<TopicMarks>;
  readonly onOpened: (state: PartitionState, marks: TopicMarks) => void;
  readonly onFailed: (error: Error) => void;
}

/** Finds out where to read on in partitions that the member has got. */
export class OpeningPartitions {
  /** The partitions that are being opened, each with the call that does so. */
  private readonly opening = new Map<number, symbol>();
  private readonly ending = new AbortController();

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
        this.parts.onFailed(asError(error));
        await sleep(systemClock, backoff.next(), this.ending.signal);
      }
    }
  }

  /** The member has this partition no more. */
  giveUp(partition: number): void {
    this.opening.delete(partition);
  }

  /** No partition is opened any more. */
  giveUpAll(): void {
    this.opening.clear();
    this.ending.abort();
  }

  private async openSome(partitions: readonly number[], call: symbol): Promise<void> {
    const { admin, read } = this.parts;
    const [committed, logs, marks] = await Promise.all([
      admin.groupOffsets(read.groupId, read.topic),
      admin.offsets(read.topic, 'led'),
      this.parts.marks(),
    ]);
    const all = await Promise.allSettled(
      partitions.map(async (partition) => {
        const log = logs.find((one) => one.partition === partition);
        if (!log) throw new Error(`Partition ${partition} of '${read.topic}' has no offsets yet.`);
        const known = committed.find((one) => one.partition === partition);
        await this.openOne(log, known, marks, call);
      }),
    );
    // Those that failed are tried again once all others are open.
    for (const one of all) if (one.status === 'rejected') throw one.reason;
  }

  private async openOne(
    log: PartitionOffsets,
    committed: GroupOffset | undefined,
    marks: TopicMarks,
    call: symbol,
  ): Promise<void> {
    const { states, onOpened } = this.parts;
    const { partition, low } = log;
    const progressOf = (known: GroupOffset | undefined) => startOf(log, known, marks);
    const state = await states.open(partition, { committed, progressOf, low });
    if (this.opening.get(partition) !== call) return void states.close(state);
    this.opening.delete(partition);
    onOpened(state, marks);
  }
}

/** Where a partition begins: where its group was, or as the group was made after that. */
function startOf(
  { partition, low }: PartitionOffsets,
  known: GroupOffset | undefined,
  marks: TopicMarks,
): Progress {
  const mark = marks.at(partition);
  const { offset, metadata = '' } = known ?? {};
  // A partition without an offset is newer than the group.
  if (offset === undefined) return progressAt(Math.max(mark?.offset ?? low, low));
  const before = decodeMetadata(offset, metadata);
  if (mark?.kind !== 'created' || mark.n <= before.markNumber) return before;
  // A consumer of the group that was deleted may have a transaction open. The first mark follows no group.
  const transacts = before.transacts || mark.n > 1;
  return { ...progressAt(Math.max(mark.offset, low)), transacts };
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
