import type { KafkaClient, KafkaProducer } from '../connection/kafka-client.js';
import { settlingId } from '../names/names.js';
import type { LeasedPartition } from '../partitions/leased-partition.js';
import type { Transactions } from '../partitions/partition-states.js';

/**
 * After this time the broker aborts a transaction whose process has gone, in milliseconds. Until then it
 * holds back readers of the topics that it wrote to.
 */
const TRANSACTION_TIMEOUT = 10_000;

interface Opened {
  readonly producer: Promise<KafkaProducer>;
  /** The member had the partition after the producer was opened. */
  isProven: boolean;
}

/**
 * The transactional producers of the partitions that this process has, one for each.
 *
 * The one that was opened last fences all before. A process that has lost the partition and does not know
 * it yet could open its producer, too: so the member commits after each opening, which only the owner of
 * the partition may do.
 */
export class TransactionalProducers implements Transactions {
  private readonly opened = new Map<string, Opened>();

  constructor(private readonly client: Pick<KafkaClient, 'producer'>) {}

  async fence(transactionalId: string): Promise<void> {
    await this.end(transactionalId);
    const opened = { producer: this.open(transactionalId), isProven: false };
    this.opened.set(transactionalId, opened);
    try {
      await opened.producer;
    } catch (error) {
      if (this.opened.get(transactionalId) === opened) this.opened.delete(transactionalId);
      throw error;
    }
  }

  async end(transactionalId: string): Promise<void> {
    const opened = this.opened.get(transactionalId);
    this.opened.delete(transactionalId);
    const producer = await opened?.producer.catch(() => undefined);
    await producer?.close();
  }

  /**
   * The producer of a partition, opened where it was not. Undefined: this member has the partition no
   * more.
   */
  async of(state: LeasedPartition): Promise<KafkaProducer | undefined> {
    const id = settlingId(state.place.groupId, state.place.partition);
    if (!this.opened.has(id)) await this.fence(id);
    const opened = this.opened.get(id);
    if (!opened) return undefined;
    // The same commit tells later owners that they have to fence this one.
    opened.isProven ||= await state.useTransactions();
    // It may be that of a later owner in this process, where this state has lost the partition.
    return opened.isProven && state.isOpen ? opened.producer : undefined;
  }

  private async open(transactionalId: string): Promise<KafkaProducer> {
    const options = { transactionalId, transactionTimeout: TRANSACTION_TIMEOUT };
    const producer = await this.client.producer(options);
    try {
      const transaction = await producer.transaction();
      await transaction.abort();
      return producer;
    } catch (error) {
      await producer.close();
      throw error;
    }
  }
}
