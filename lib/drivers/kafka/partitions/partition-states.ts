import { systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { asError } from '../../../core/errors/error-record.js';
import { ToldErrors } from '../../connections/told-errors.js';
import type { CommittedOffset, GroupOffset } from '../connection/kafka-client.js';
import { isNoMember } from '../errors/kafka-reply.error.js';
import type { DecodeRecord, KafkaLease } from './kafka.lease.js';
import { MemberCommits } from './member-commits.js';
import { offsetOfFenced } from './group-offset.js';
import type { LeasedPartition, PartitionPlace } from './leased-partition.js';
import { PartitionState, type LeaseHolder } from './partition-state.js';
import type { Progress } from './progress.js';

export interface PartitionStatesOptions extends Omit<PartitionPlace, 'partition'> {
  readonly holder: LeaseHolder;
  readonly decode: DecodeRecord;
  /** Commits offsets of the member's partitions, in its generation. */
  readonly commit: (offsets: readonly CommittedOffset[]) => Promise<void>;
  /** What the Kafka group has committed for the partition. */
  readonly groupOffset: (place: PartitionPlace) => Promise<GroupOffset | undefined>;
  readonly transactions: Transactions;
  readonly events: EventBus;
  /** Longest time from a settlement to the commit that tells of it, in milliseconds. @default 100 */
  readonly commitInterval?: number | undefined;
}

/** Transactional producers of partitions. */
export interface Transactions {
  /** Fences the owner before: its transaction ends, and it can begin none. */
  fence(place: PartitionPlace): Promise<void>;
  /** This owner needs its producer no more. That of another owner in this process stays. */
  end(state: LeasedPartition): Promise<void>;
}

/** Where a partition is opened. */
export interface PartitionStart {
  /** What the group has committed. Undefined: nothing is known. */
  readonly committed: GroupOffset | undefined;
  /** Returns where the group goes on, by what it has committed. */
  readonly progressOf: (committed: GroupOffset | undefined) => Progress;
  /** The first offset that the partition still has. */
  readonly low: number;
}

/** What lasts is told of again after this time, in milliseconds. */
const TELL_AGAIN = 60_000;

/** The partitions that one member of a Kafka group owns. */
export class PartitionStates {
  readonly commits: MemberCommits;
  private readonly states = new Map<number, PartitionState>();
  private readonly told = new ToldErrors();
  /** When it was told of a partition that it is full. */
  private readonly toldFull = new Map<number, number>();

  constructor(private readonly options: PartitionStatesOptions) {
    const { commit, commitInterval } = options;
    this.commits = new MemberCommits({
      commit: async (offsets) => {
        await commit(offsets);
        this.tellFull(offsets.map(({ partition }) => partition));
      },
      commitInterval,
      onFailure: (error) => this.tell(asError(error)),
    });
  }

  /** Opens a partition that this member owns from now on, where its group goes on. */
  async open(
    partition: number,
    { committed, progressOf, low }: PartitionStart,
  ): Promise<PartitionState> {
    const { stream, group, groupId, topic, isRetries, holder, decode } = this.options;
    const place = { stream, group, groupId, topic, partition, isRetries };
    let start = progressOf(committed);
    if (start.transacts) {
      await this.options.transactions.fence(place);
      // The owner before may have committed a transaction in the meantime.
      const now = await offsetOfFenced(() => this.options.groupOffset(place));
      if (now?.offset !== undefined) start = progressOf(now);
    }
    const state = new PartitionState(place, start, { holder, decode, commits: this.commits });
    if (low > state.floor) this.tellLost(low - state.floor - start.done.countBelow(low));
    state.skipTo(low);
    this.states.set(partition, state);
    return state;
  }

  /**
   * Tells the group of the runs of these leases that are counted by being handed out. Resolves when that
   * is committed, or their partitions were closed. Undefined: there is nothing to tell.
   */
  announce(leases: Iterable<KafkaLease>): Promise<void> | undefined {
    const states = new Set<LeasedPartition>();
    for (const { charged, state } of leases)
      if (charged && state.version > state.committed) states.add(state);
    return states.size > 0 ? this.commits.now(states) : undefined;
  }

  /** Resolves once everything that these partitions know is committed, or they are closed. */
  flush(states: Iterable<PartitionState>): Promise<void> {
    return this.commits.now(states);
  }

  /** The member has this partition no more. Returns the leases that were in hand, which are lost. */
  close(state: PartitionState): KafkaLease[] {
    const lost = state.close();
    if (this.states.get(state.partition) === state) this.states.delete(state.partition);
    this.commits.closed(state);
    void this.options.transactions.end(state);
    return lost;
  }

  /** After all partitions were closed. */
  end(): void {
    this.commits.stop();
  }

  private tellFull(partitions: readonly number[]): void {
    // A retry topic is full as soon as some thousand retries wait in it, which is as it should be.
    if (this.options.isRetries) return;
    const now = systemClock.now();
    for (const partition of partitions) {
      if (!this.states.get(partition)?.isFull) continue;
      if (now - (this.toldFull.get(partition) ?? -TELL_AGAIN) < TELL_AGAIN) continue;
      this.toldFull.set(partition, now);
      const { events, topic, group } = this.options;
      events.emit('warning', {
        code: 'KAFKA_PARTITION_FULL',
        message: whyFull(topic, partition, group),
      });
    }
  }

  /** Tells that a partition ends before the position of the group, which goes on at `start`. */
  tellMovedBack(partition: number, position: number, start: number): void {
    const { events, topic, group } = this.options;
    events.emit('warning', {
      code: 'KAFKA_POSITION_GONE',
      message:
        `Partition ${partition} of topic "${topic}" ends before offset ${position}, where group "${group}" was. ` +
        'The topic was made again, or a broker leads the partition now that has not all of its records ' +
        `(unclean.leader.election.enable). The group goes on at offset ${start}: messages may run again.`,
    });
  }

  /** Tells that this number of records was deleted before they were read. */
  tellLost(count: number): void {
    const { stream, group, events } = this.options;
    if (count > 0) events.emit('messages-lost', { stream, group, count, why: 'deleted' });
  }

  /** Other events tell of brokers that cannot be reached, and of members that were expelled. */
  private tell(error: Error): void {
    if (error instanceof ConnectionError || isNoMember(error) || !this.told.isNew(error)) return;
    this.options.events.emit('worker-error', { worker: 'settler', error });
  }
}

const whyFull = (topic: string, partition: number, group: string): string =>
  `Partition ${partition} of topic "${topic}" hands out nothing more to group "${group}" until older ` +
  'messages are settled. Too many of them wait for a retry, or run for long, while others behind them ' +
  'are done: Kafka keeps 4,096 bytes for what is done out of order. Let retries wait in the retry topic ' +
  '(retryTopicAfter), lower concurrency, or give the topic more partitions.';
