import { sleep, systemClock } from '../../../core/clock.js';
import type { KafkaGroup } from '../connection/kafka-group.js';
import { isReply } from '../errors/kafka-reply.error.js';
import type { TopicMarks } from '../groups/mark.js';
import { Member } from '../members/member.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import { groupOffsetBy } from '../partitions/group-offset.js';
import { PartitionStates } from '../partitions/partition-states.js';
import { OpeningPartitions } from './opening-partitions.js';
import { PartitionReadings } from './partition-readings.js';
import { isLasting, MOVED, sessionRefused } from './reading-errors.js';
import type { ReadingParts, ReadTopic, TopicReader } from './read-topic.js';

/** Longest wait for the last commit of a member that leaves by itself, in milliseconds. */
const LAST_WORD = 2000;

/** One topic, as one consumer of a group reads it: a member of a Kafka group. */
export class TopicReading {
  /** Resolves once the member has joined and its first partitions are open. Rejects where it cannot join. */
  readonly opened: Promise<void>;
  private readonly member: Member;
  private readonly states: PartitionStates;
  private readonly opening: OpeningPartitions;
  private readonly readings: PartitionReadings;
  private settleOpened!: { resolve(): void; reject(error: Error): void };
  private isFirst = true;
  private stopped = false;
  private closed: Promise<void> | undefined;

  /** @param onMissing called when the topic is gone: nothing is read any more */
  constructor(
    readonly read: ReadTopic,
    private readonly parts: ReadingParts,
    private readonly reader: TopicReader,
    private readonly onMissing: () => void,
  ) {
    this.opened = new Promise((resolve, reject) => (this.settleOpened = { resolve, reject }));
    // It may be awaited later, or never.
    this.opened.catch(() => undefined);
    const requests = this.makeRequests();
    const { admin } = parts.client;
    this.readings = new PartitionReadings({
      ...{ read, requests, admin, reader, states: () => this.states },
      isOpening: (partition) => this.opening.has(partition),
      onFailed: (error) => this.fetchFailed(error),
    });
    this.member = this.makeMember(requests);
    this.states = this.makeStates();
    this.opening = new OpeningPartitions({
      ...{ read, admin, states: this.states },
      marks: async () => (await parts.marks.look(reader.group)).of(read.topic),
      onOpened: (state, marks) => this.readings.add(state, marks),
      onFailed: (error) => reader.failed(error),
    });
  }

  /**
   * When the next message is due that waits here, in milliseconds since the epoch. None is while the
   * member may have lost its partitions.
   */
  get nextDue(): number {
    return this.member.isAlive ? this.readings.nextDue : Infinity;
  }

  /** Bytes of what was read and not handed out, and of what is in hand. */
  get bytes(): number {
    return this.readings.bytes;
  }

  /** Bytes of retries that wait here until they are due. */
  get parkedBytes(): number {
    return this.readings.parkedBytes;
  }

  /** Whether brokers answer the member and its fetches. */
  get answers() {
    return [this.member.answers, ...this.readings.answers];
  }

  start(): void {
    this.member.start();
  }

  /** Takes leases, `limit` at most. They may be handed out once `announce` says so. */
  take(limit: number, into: KafkaLease[]): void {
    if (this.member.isAlive) this.readings.take(limit, into);
  }

  /** See `PartitionStates.announce`. */
  announce(leases: readonly KafkaLease[]): Promise<void> | undefined {
    return this.states.announce(leases);
  }

  /** There is room again. */
  wake(): void {
    this.readings.wake();
  }

  /** Forgets what was read and not handed out: it is read again when it is wanted. */
  dropRead(): void {
    this.readings.dropRead();
  }

  /** Goes on where the position of the group was set. */
  apply(marks: TopicMarks): void {
    this.readings.apply(marks);
  }

  /**
   * Hands out nothing more. What is in hand can still be settled. Leaves the group once nothing is in hand:
   * other members need not wait for `close`.
   */
  stop(): void {
    this.stopped = true;
    this.readings.stop();
    this.settleOpened.resolve();
    this.leaveWhereIdle();
  }

  /** Commits what is known, for `patience` milliseconds at most, and leaves the group. Never rejects. */
  close(patience: number): Promise<void> {
    this.closed ??= this.end(patience);
    return this.closed;
  }

  private async end(patience: number): Promise<void> {
    this.stopped = true;
    this.readings.stop();
    this.settleOpened.resolve();
    this.opening.giveUpAll();
    const flushed = this.states.flush(this.readings.states);
    await Promise.race([flushed.then(() => this.read.trim?.now()), sleep(systemClock, patience)]);
    await this.member.stop();
    this.states.end();
  }

  /** Sends nothing more and does not leave, as if the process were dead. For tests. */
  silence(): void {
    this.member.silence();
    this.readings.stopFetching();
  }

  private makeRequests(): KafkaGroup {
    const { groupId, topic } = this.read;
    const { rebalanceTimeout, instanceId } = this.parts.options;
    const { sessionTimeout } = this.reader;
    return this.parts.client.member({
      groupId,
      topic,
      sessionTimeout,
      rebalanceTimeout,
      instanceId,
    });
  }

  private makeMember(group: KafkaGroup): Member {
    const { rebalanceTimeout, metadataMaxAge, instanceId } = this.parts.options;
    const { sessionTimeout } = this.reader;
    return new Member({
      ...{ group, instanceId, sessionTimeout, rebalanceTimeout, metadataMaxAge },
      hooks: {
        onAssigned: (partitions) => this.assigned(partitions),
        onLeaving: (partitions) => this.drain(partitions),
        onLost: (partitions) => this.lost(partitions),
        onLeaders: (leaders) => this.readings.use(leaders),
        onMissing: () => this.onMissing(),
        onFailed: (error) => this.failed(error),
      },
    });
  }

  private makeStates(): PartitionStates {
    const { client, transactions, decode, events, options } = this.parts;
    const { group, consumer } = this.reader;
    return new PartitionStates({
      ...{ ...this.read, group, decode, transactions, events },
      commitInterval: options.commitInterval,
      commit: async (offsets) => {
        await this.member.commit(offsets);
        this.read.trim?.soon();
      },
      groupOffset: groupOffsetBy(client.admin),
      holder: {
        consumer,
        released: (partition, waiting) => {
          this.readings.released(partition, waiting);
          this.leaveWhereIdle();
        },
        settled: (partition) => {
          this.readings.settled(partition);
          this.leaveWhereIdle();
        },
      },
    });
  }

  private leaveWhereIdle(): void {
    if (!this.stopped || this.closed) return;
    if (this.readings.isIdle) void this.close(LAST_WORD);
  }

  private fetchFailed(error: Error): void {
    this.member.lookAgain();
    if (!isReply(error, ...MOVED)) this.reader.failed(error);
  }

  private failed(error: Error): void {
    const { sessionTimeout } = this.reader;
    const told = isReply(error, 'INVALID_SESSION_TIMEOUT') ? sessionRefused(sessionTimeout) : error;
    if (isLasting(error)) this.settleOpened.reject(told);
    this.reader.failed(told);
  }

  private assigned(partitions: readonly number[]): void {
    this.tell('partitions-assigned', partitions);
    const opened = this.opening.open(partitions);
    if (this.isFirst) void opened.then(() => this.settleOpened.resolve());
    this.isFirst = false;
  }

  /** Finishes what is in hand of these partitions. */
  private drain(partitions: readonly number[]): Promise<void> {
    for (const partition of partitions) this.opening.giveUp(partition);
    const leaving = this.readings.of(partitions);
    if (leaving.length === 0) return Promise.resolve();
    const states = leaving.map(({ state }) => state);
    return this.reader.drains.drain(leaving, () => this.states.flush(states));
  }

  private lost(partitions: readonly number[]): void {
    const gone = this.readings.of(partitions);
    for (const partition of partitions) {
      this.opening.giveUp(partition);
      this.readings.remove(partition);
    }
    for (const { state } of gone) this.states.close(state);
    this.reader.drains.lost(gone);
    this.tell('partitions-revoked', partitions);
  }

  private tell(
    event: 'partitions-assigned' | 'partitions-revoked',
    partitions: readonly number[],
  ): void {
    const { stream, isRetries } = this.read;
    if (isRetries || partitions.length === 0) return;
    const { group, consumer } = this.reader;
    this.parts.events.emit(event, { stream, group, consumer, partitions: partitions.map(String) });
  }
}
