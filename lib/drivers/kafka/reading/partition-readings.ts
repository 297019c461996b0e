import type { PartitionOffsets } from '../connection/kafka-client.js';
import type { FetchedBatch, KafkaGroup, Leaders } from '../connection/kafka-group.js';
import type { TopicMarks } from '../groups/mark.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import type { WaitingRecord } from '../partitions/leased-partition.js';
import type { PartitionState } from '../partitions/partition-state.js';
import type { PartitionStates } from '../partitions/partition-states.js';
import { Fetching, type Position, type Wanted } from './fetching.js';
import { applyMark } from './opening-partitions.js';
import { PartitionReading } from './partition-reading.js';
import type { ReadingParts, ReadTopic, TopicReader } from './read-topic.js';
import { RetryReading } from './retry-reading.js';

/** How much earlier than now, by the clock of this process, a record can be that is new, in milliseconds. */
const SKEW = 300_000;

export interface PartitionReadingsParts {
  readonly read: ReadTopic;
  readonly requests: Pick<KafkaGroup, 'fetch'>;
  readonly admin: ReadingParts['client']['admin'];
  readonly reader: TopicReader;
  readonly states: () => PartitionStates;
  /** Whether a partition that is not open will be soon. */
  readonly isOpening: (partition: number) => boolean;
  readonly onFailed: (error: Error) => void;
}

/** The open partitions of one topic, and what was read of them. */
export class PartitionReadings {
  private readonly partitions = new Map<number, PartitionReading>();
  private readonly fetching: Fetching;
  /** Rises with each round: the partitions take turns. */
  private turn = 0;
  private stopped = false;

  constructor(private readonly parts: PartitionReadingsParts) {
    const { requests, onFailed } = parts;
    this.fetching = new Fetching(requests, {
      wanted: (partitions) => this.wanted(partitions),
      room: () => this.parts.reader.room,
      onBatch: (batch, asked) => this.onBatch(batch, asked),
      onOutOfRange: (asked) => this.onOutOfRange(asked),
      onFailed,
    });
  }

  get states(): PartitionState[] {
    return [...this.partitions.values()].map(({ state }) => state);
  }

  /** Whether the nodes answer that lead the partitions. */
  get answers() {
    return this.fetching.answers;
  }

  /** When the next message is due that waits here, in milliseconds since the epoch. */
  get nextDue(): number {
    let due = Infinity;
    for (const { nextDue = Infinity } of this.partitions.values()) due = Math.min(due, nextDue);
    return due;
  }

  /** Bytes of what was read and not handed out, and of what is in hand. */
  get bytes(): number {
    let sum = 0;
    for (const { bytes } of this.partitions.values()) sum += bytes;
    return sum;
  }

  /** Bytes of retries that wait here until they are due. */
  get parkedBytes(): number {
    let sum = 0;
    for (const { parkedBytes } of this.partitions.values()) sum += parkedBytes;
    return sum;
  }

  /** Whether the engine has no lease of these partitions. */
  get isIdle(): boolean {
    for (const { inHand } of this.partitions.values()) if (inHand > 0) return false;
    return true;
  }

  /** These nodes lead the partitions. */
  use(leaders: Leaders): void {
    this.fetching.use(leaders);
  }

  add(state: PartitionState, marks: TopicMarks): void {
    const { read } = this.parts;
    applyMark(state, marks);
    const reading = read.isRetries ? new RetryReading(state) : new PartitionReading(state);
    this.partitions.set(state.partition, reading);
    this.fetching.wake();
  }

  of(partitions: readonly number[]): PartitionReading[] {
    return partitions.flatMap((partition) => this.partitions.get(partition) ?? []);
  }

  remove(partition: number): void {
    this.partitions.delete(partition);
  }

  /** Takes leases, `limit` at most. */
  take(limit: number, into: KafkaLease[]): void {
    if (this.stopped) return;
    const all = [...this.partitions.values()];
    const end = into.length + limit;
    for (let at = 0; at < all.length && into.length < end; at++) {
      const share = Math.ceil((end - into.length) / (all.length - at));
      all[(this.turn + at) % all.length]!.take(share, into);
    }
    this.turn++;
    this.fetching.wake();
  }

  /** The entry was given back: it is handed out again. */
  released(partition: number, waiting: WaitingRecord): void {
    const reading = this.partitions.get(partition);
    if (!reading || reading.isLeaving || this.stopped) return;
    reading.buffer.addAgain(waiting);
    // What is behind it, and has not reached the engine yet, comes after it.
    this.parts.reader.giveBack(({ state, offset }) => {
      return state === reading.state && offset > waiting.offset;
    });
    this.parts.reader.wake();
  }

  /** An entry of this partition is in hand no more. */
  settled(partition: number): void {
    // A partition that was full may have held a record back.
    if (this.partitions.get(partition)?.canTake) this.parts.reader.wake();
  }

  /** There is room again. */
  wake(): void {
    this.fetching.wake();
  }

  /** Forgets what was read and not handed out: it is read again when it is wanted. */
  dropRead(): void {
    for (const reading of this.partitions.values()) reading.dropRead();
  }

  /** Goes on where the position of the group was set. */
  apply(marks: TopicMarks): void {
    for (const reading of this.partitions.values()) {
      if (applyMark(reading.state, marks)) reading.restart();
    }
    this.fetching.wake();
  }

  stopFetching(): void {
    this.fetching.stop();
  }

  stop(): void {
    this.stopped = true;
    this.fetching.stop();
    for (const { buffer } of this.partitions.values()) buffer.clear();
  }

  private wanted(partitions: readonly number[]): Wanted {
    const positions: Position[] = [];
    let hasOthers = false;
    for (const partition of partitions) {
      const reading = this.partitions.get(partition);
      if (reading && this.mayRead(reading)) {
        const position = { partition, offset: reading.position };
        if (reading.isAlone) return { positions: [position], hasOthers: true };
        positions.push(position);
      } else hasOthers ||= reading !== undefined || this.parts.isOpening(partition);
    }
    return { positions, hasOthers };
  }

  private mayRead(reading: PartitionReading): boolean {
    const { reader, read } = this.parts;
    return reading.wantsMore && reader.mayRead(read.stream, reading);
  }

  private onBatch(batch: FetchedBatch, asked: Position): void {
    const reading = this.partitions.get(batch.partition);
    // The partition may have gone, or its position was set, while the records were on their way.
    if (!reading || reading.isLeaving || reading.position !== asked.offset) return;
    reading.add(batch);
    if (reading.buffer.size > 0) this.parts.reader.wake();
  }

  private async onOutOfRange({ partition, offset }: Position): Promise<void> {
    const logs = await this.parts.admin.offsets(this.parts.read.topic, 'led');
    const log = logs.find((one) => one.partition === partition);
    const reading = this.partitions.get(partition);
    if (!log || reading?.position !== offset || (offset >= log.low && offset <= log.high)) return;
    if (offset < log.low) return this.parts.states().tellLost(reading.skipTo(log.low));
    const start = await this.startAgain(reading, log);
    if (this.partitions.get(partition) !== reading || reading.position !== offset) return;
    this.parts.states().tellMovedBack(partition, offset, start);
    // What the group has done of records that are gone counts for nothing.
    reading.state.moveTo(start, reading.state.markNumber, false);
    reading.restart();
  }

  /**
   * Where to go on in a partition that ends before the position. Either the topic was made again: from its
   * beginning. Or a broker leads the partition now that has not all of its records, which the group's offset
   * outlives: from records on that this member cannot have seen, and from those on that are not done.
   */
  private async startAgain(
    { state, partition, fetchedAt }: PartitionReading,
    { low }: PartitionOffsets,
  ): Promise<number> {
    const { admin, read } = this.parts;
    if (fetchedAt === undefined) return low;
    const [offsets, later] = await Promise.all([
      admin.groupOffsets(read.groupId, read.topic),
      admin.offsetsAt(read.topic, fetchedAt - SKEW),
    ]);
    const known = offsets.find((one) => one.partition === partition)?.offset;
    if (known === undefined) return low;
    return Math.max(low, Math.min(state.floor, later.get(partition) ?? low));
  }
}
