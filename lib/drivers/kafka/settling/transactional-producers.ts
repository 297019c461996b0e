import type { KafkaClient, KafkaProducer } from '../connection/kafka-client.js';
import { settlingId } from '../names/names.js';
import type { LeasedPartition, PartitionPlace } from '../partitions/leased-partition.js';
import type { Transactions } from '../partitions/partition-states.js';

/**
 * After this time the broker aborts a transaction whose process has gone, in milliseconds. Until then it
 * holds back readers of the topics that it wrote to.
 */
const TRANSACTION_TIMEOUT = 10_000;

interface Opened {
  readonly producer: Promise<KafkaProducer>;
  /** The owner that uses it. Undefined: it was opened to fence others, and is not used yet. */
  user: LeasedPartition | undefined;
  /** The user still had the partition after the producer was opened. */
  isProven: boolean;
}

/**
 * The transactional producers of the partitions that this process has, one for each.
 *
 * The one that was opened last fences all before. A process that has lost the partition and does not know
 * it yet could open its producer, too: so the member commits after each opening, which only the owner of
 * the partition may do. Two members of one group may be in this process: each proves that for itself.
 */
export class TransactionalProducers implements Transactions {
  private readonly opened = new Map<string, Opened>();

  constructor(private readonly client: Pick<KafkaClient, 'producer'>) {}

  async fence(place: PartitionPlace): Promise<void> {
    const id = idOf(place);
    await this.close(id);
    const opened = { producer: this.open(id), user: undefined, isProven: false };
    this.opened.set(id, opened);
    try {
      await opened.producer;
    } catch (error) {
      if (this.opened.get(id) === opened) this.opened.delete(id);
      throw error;
    }
  }

  async end(state: LeasedPartition): Promise<void> {
    const id = idOf(state.place);
    if (isFor(this.opened.get(id), state)) await this.close(id);
  }

  /**
   * The producer of a partition, opened where it was not. Undefined: this member has the partition no
   * more.
   */
  async of(state: LeasedPartition): Promise<KafkaProducer | undefined> {
    const id = idOf(state.place);
    while (state.isOpen) {
      const opened = this.opened.get(id);
      if (!isFor(opened, state)) {
        await this.fence(state.place);
        continue;
      }
      opened.user = state;
      // The same commit tells later owners that they have to fence this one.
      opened.isProven ||= await state.useTransactions();
      return opened.isProven && state.isOpen ? opened.producer : undefined;
    }
    return undefined;
  }

  private async close(id: string): Promise<void> {
    const opened = this.opened.get(id);
    this.opened.delete(id);
    const producer = await opened?.producer.catch(() => undefined);
    await producer?.close();
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

const idOf = ({ groupId, partition }: PartitionPlace): string => settlingId(groupId, partition);

const isFor = (opened: Opened | undefined, state: LeasedPartition): opened is Opened =>
  opened !== undefined && (opened.user ?? state) === state;
