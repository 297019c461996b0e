import { sleep, systemClock } from '../../../core/clock.js';
import { asError } from '../../../core/errors/error-record.js';
import { isPermanent } from '../../../core/errors/streams.error.js';
import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import type { Retry } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import type { KafkaRecord } from '../connection/kafka-client.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import type { LeasedPartition, PartitionPlace } from '../partitions/leased-partition.js';
import { leaseOf, type Outcome, type RecordMakers } from './settling-parts.js';
import { TransactionLane, type TransactionLaneParts } from './transaction-lane.js';

export interface KafkaSettlingParts extends TransactionLaneParts {
  readonly records: RecordMakers;
  /** Retries that wait longer go to the retry topic, in milliseconds. False: none does. */
  readonly retryTopicAfter: number | false;
  /** Asks whether the group of the partition was deleted. */
  readonly isDeleted: (place: PartitionPlace) => Promise<boolean>;
}

/** Longest wait for an answer whether the group was deleted, in milliseconds. */
const ASKED_FOR = 500;

type DeletedGroups = Map<LeasedPartition, Promise<boolean>>;

/** Carries out settlements. */
export class KafkaSettling {
  private readonly lanes = new WeakMap<LeasedPartition, TransactionLane>();

  constructor(private readonly parts: KafkaSettlingParts) {}

  /** As `MessageSource.settle`. */
  async settle(batch: readonly Settling[]): Promise<Outcome[]> {
    const outcomes = new Array<Outcome>(batch.length);
    const others: Promise<void>[] = [];
    const deletedGroups = new Map<LeasedPartition, Promise<boolean>>();
    for (let at = 0; at < batch.length; at++) {
      const one = batch[at]!;
      const { settlement } = one;
      if (settlement.kind === 'ack' && !settlement.publish?.length) {
        outcomes[at] = acknowledge(leaseOf(one));
        continue;
      }
      const other = this.carryOut(one, deletedGroups).catch(asError);
      others.push(other.then((outcome) => void (outcomes[at] = outcome)));
    }
    if (others.length > 0) await Promise.all(others);
    return outcomes;
  }

  private async carryOut(settling: Settling, deletedGroups: DeletedGroups): Promise<Outcome> {
    const lease = leaseOf(settling);
    const { settlement } = settling;
    const standing = lease.state.standingOf(lease);
    if (standing !== 'held') return lease.isMovedAside ? 'moved' : standing;
    if (await this.isOfDeletedGroup(lease, deletedGroups)) return 'gone';
    switch (settlement.kind) {
      case 'ack':
        return this.publish(lease, settlement.publish!);
      case 'dead-letter':
        if (!('record' in settling)) throw new TypeError('A dead letter needs its record.');
        return this.transact(lease, [await this.parts.records.deadLetter(lease, settling.record)]);
      case 'retry':
        return this.retry(lease, settlement);
      case 'release':
        lease.state.release(lease);
        return 'settled';
      case 'leave':
        throw new UnsupportedFeatureError(
          'leaving entries pending',
          'kafka',
          'Release them instead.',
        );
    }
  }

  /** Another process may have deleted the group, and this one has not seen it yet. Asks once for a batch. */
  private isOfDeletedGroup({ state }: KafkaLease, asked: DeletedGroups): Promise<boolean> {
    let isDeleted = asked.get(state);
    if (!isDeleted) {
      const answered = new AbortController();
      const answer = this.parts.isDeleted(state.place).catch(() => false);
      // Nothing is lost where the broker does not answer: the group was not deleted then, as far as is known.
      const noAnswer = sleep(systemClock, ASKED_FOR, answered.signal).then(() => false);
      isDeleted = Promise.race([answer, noAnswer]).finally(() => answered.abort());
      asked.set(state, isDeleted);
    }
    return isDeleted;
  }

  private async publish(
    lease: KafkaLease,
    entries: Parameters<RecordMakers['outgoing']>[0],
  ): Promise<Outcome> {
    const made = await this.parts.records.outgoing(entries, lease.key);
    const records: KafkaRecord[] = [];
    for (const one of made) {
      if (one instanceof Error) return one;
      records.push(one);
    }
    return this.transact(lease, records);
  }

  private async retry(lease: KafkaLease, settlement: Retry): Promise<Outcome> {
    if (this.isToMove(settlement)) {
      const record = await this.retryRecord(lease, settlement);
      const outcome = record && (await this.moveAside(lease, record));
      // A record that the retry topic never takes waits where it is.
      if (outcome && !(outcome instanceof Error && isPermanent(outcome))) return outcome;
    }
    const { state } = lease;
    if (settlement.uncharged && state.uncount(lease)) {
      await state.commits.now([state]);
      return state.isOpen ? 'settled' : 'lost';
    }
    state.park(lease);
    return 'settled';
  }

  private isToMove({ delay, inPlace }: Retry): boolean {
    const { retryTopicAfter } = this.parts;
    return retryTopicAfter !== false && delay > retryTopicAfter && !inPlace;
  }

  /** Undefined: there can be no retry topic, so the message waits where it is. */
  private async retryRecord(
    lease: KafkaLease,
    { delay, uncharged }: Retry,
  ): Promise<KafkaRecord | undefined> {
    const attempts = uncharged && lease.charged ? lease.attempt - 1 : lease.attempt;
    try {
      return await this.parts.records.retry(lease, {
        dueAt: systemClock.wallTime() + delay,
        attempts,
      });
    } catch {
      return undefined;
    }
  }

  private async moveAside(lease: KafkaLease, record: KafkaRecord): Promise<Outcome> {
    const outcome = await this.transact(lease, [record]);
    if (outcome !== 'settled') return outcome;
    lease.isMovedAside = true;
    return 'moved';
  }

  private transact(lease: KafkaLease, records: readonly KafkaRecord[]): Promise<Outcome> {
    let lane = this.lanes.get(lease.state);
    if (!lane) this.lanes.set(lease.state, (lane = new TransactionLane(lease.state, this.parts)));
    return lane.settle(lease, records);
  }
}

/** Plain acknowledgements are committed soon after, with others. */
function acknowledge(lease: KafkaLease): Outcome {
  const { state } = lease;
  const standing = state.standingOf(lease);
  if (standing === 'held') state.finish(lease);
  // The work is done, and by this lease.
  else if (lease.isOver) return 'settled';
  else return standing;
  return 'settled';
}
