import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { asError } from '../../../core/errors/error-record.js';
import { isPermanent } from '../../../core/errors/streams.error.js';
import type { GroupOffset, KafkaProducer, KafkaRecord } from '../connection/kafka-client.js';
import type { KafkaLease } from '../partitions/kafka.lease.js';
import { offsetOfFenced, transactionOf } from '../partitions/group-offset.js';
import type { LeasedPartition, PartitionPlace } from '../partitions/leased-partition.js';
import type { Outcome } from './settling-parts.js';
import type { TransactionalProducers } from './transactional-producers.js';

/** Most records of one transaction, unless one settlement has more. */
const MOST_RECORDS = 1000;

export interface TransactionLaneParts {
  readonly producers: TransactionalProducers;
  /** What the group has committed for the partition. */
  readonly groupOffset: (place: PartitionPlace) => Promise<GroupOffset | undefined>;
}

/** A settlement that writes records. */
interface Work {
  readonly lease: KafkaLease;
  readonly records: readonly KafkaRecord[];
  readonly resolve: (outcome: Outcome) => void;
}

/** The broker has refused these records: each settlement is to be tried by itself. */
class Refusal {
  constructor(readonly error: Error) {}
}

/**
 * Settles entries of one partition in transactions, each of which writes what follows from many of them,
 * and commits the offset that tells that they are done. One transaction is under way at a time; what comes
 * meanwhile gathers for the next one.
 */
export class TransactionLane {
  private readonly waiting: Work[] = [];
  private isRunning = false;

  constructor(
    private readonly state: LeasedPartition,
    private readonly parts: TransactionLaneParts,
  ) {}

  /** Writes records and settles the lease in one step. */
  settle(lease: KafkaLease, records: readonly KafkaRecord[]): Promise<Outcome> {
    return new Promise((resolve) => {
      this.waiting.push({ lease, records, resolve });
      if (!this.isRunning) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    // What is settled in the same turn goes along.
    await Promise.resolve();
    while (this.waiting.length > 0) await this.carryOut(this.gather());
    this.isRunning = false;
  }

  private gather(): Work[] {
    let records = 0;
    let count = 0;
    for (const work of this.waiting) {
      records += work.records.length;
      if (count > 0 && records > MOST_RECORDS) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }

  private async carryOut(batch: readonly Work[]): Promise<void> {
    const held: Work[] = [];
    for (const work of batch) {
      const standing = this.state.standingOf(work.lease);
      if (standing === 'held') held.push(work);
      else work.resolve(standing);
    }
    if (held.length === 0) return;
    const outcome = await this.transact(held);
    if (outcome instanceof Refusal && held.length > 1) {
      const half = held.length >> 1;
      await this.carryOut(held.slice(0, half));
      return this.carryOut(held.slice(half));
    }
    for (const { resolve } of held) resolve(outcome instanceof Refusal ? outcome.error : outcome);
  }

  /** One outcome for all, which are settled together or not at all. */
  private async transact(batch: readonly Work[]): Promise<Outcome | Refusal> {
    const { state, parts } = this;
    let release: (() => void) | undefined;
    try {
      const producer = await parts.producers.of(state);
      if (!producer) return 'lost';
      release = await state.commits.holdBack(state);
      return await this.transactWith(producer, batch);
    } catch (error) {
      // The next one opens it anew, which ends what this one may have begun.
      await parts.producers.end(state);
      return state.isOpen ? asError(error) : 'lost';
    } finally {
      release?.();
    }
  }

  private async transactWith(
    producer: KafkaProducer,
    batch: readonly Work[],
  ): Promise<Outcome | Refusal> {
    const { state } = this;
    const { groupId, topic } = state.place;
    const transaction = await producer.transaction();
    const sent = await transaction.send(batch.flatMap(({ records }) => records));
    const errors = sent.filter((one) => one instanceof Error);
    if (errors.length > 0) {
      const passing = errors.find((error) => !isPermanent(error));
      if (passing) throw passing;
      await transaction.abort();
      return new Refusal(errors[0]!);
    }
    const leases = batch.map(({ lease }) => lease);
    const { version } = state;
    await transaction.sendOffsets(groupId, topic, [state.toCommitWith(leases)]);
    if (!state.isOpen) {
      // Readers of these topics wait for its end.
      await transaction.abort();
      return 'lost';
    }
    try {
      await transaction.commit();
    } catch (error) {
      if (!(await this.wasCommitted())) throw error;
    }
    state.transacted(leases, version);
    return 'settled';
  }

  /** Whether the transaction was committed whose commit has failed. False where the partition was lost. */
  private async wasCommitted(): Promise<boolean> {
    const { state, parts } = this;
    const { place, transaction } = state;
    const backoff = new Backoff(50, 2000);
    while (state.isOpen) {
      try {
        // Ends the transaction, where its commit has not arrived. Nothing can commit it later.
        await parts.producers.fence(place);
        const known = await offsetOfFenced(() => parts.groupOffset(place), transaction);
        return transactionOf(known) > transaction;
      } catch {
        await sleep(systemClock, backoff.next());
      }
    }
    return false;
  }
}
