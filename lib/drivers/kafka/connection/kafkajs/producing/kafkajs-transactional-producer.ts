import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import type { KafkaProducer, KafkaRecord, KafkaTransaction } from '../../kafka-client.js';
import { openProducer } from './kafkajs-producer.js';
import { KafkajsTransaction, type TransactionParts } from './kafkajs-transaction.js';
import type { Outcome } from './produce-batch.js';
import type { ProducerState } from './producer-state.js';

/** A producer with a transactional id. The brokers let the one that was opened last go on. */
export class KafkajsTransactionalProducer implements KafkaProducer {
  private state: ProducerState | undefined;

  constructor(
    private readonly parts: TransactionParts,
    private readonly transactionalId: string,
    private readonly transactionTimeout?: number,
  ) {}

  async transaction(): Promise<KafkaTransaction> {
    const { parts, transactionalId } = this;
    this.state ??= await this.open();
    return new KafkajsTransaction(parts, transactionalId, this.state, (isFit) => {
      if (!isFit) this.state = undefined;
    });
  }

  send(records: readonly KafkaRecord[]): Promise<Outcome[]> {
    const error = new KafkaConnectionError('not-sent', 'publishing outside a transaction');
    return Promise.resolve(records.map(() => error));
  }

  /** Its connections are those of the driver. */
  async close(): Promise<void> {}

  private open(): Promise<ProducerState> {
    const { transactionalId, transactionTimeout } = this;
    const of = { type: 'transaction', id: transactionalId } as const;
    return this.parts.coordinators.ask(of, 'opening a transactional producer', (broker) =>
      openProducer(broker, transactionalId, transactionTimeout),
    );
  }
}
