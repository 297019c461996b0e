import { KafkaConnectionError } from '../../../errors/kafka-connection.errors.js';
import { isReply } from '../../../errors/kafka-reply.error.js';
import type { CommittedOffset, KafkaRecord, KafkaTransaction } from '../../kafka-client.js';
import type { KafkajsBroker } from '../library/kafkajs-broker.js';
import { KafkajsSending } from './kafkajs-sending.js';
import type { ProducerParts } from './kafkajs-producer.js';
import type { Outcome, ProduceBatch } from './produce-batch.js';
import type { ProducerState } from './producer-state.js';
import type { TransactionCoordinators } from './transaction-coordinators.js';

/** What the transactional producers of one driver share. */
export interface TransactionParts extends ProducerParts {
  readonly coordinators: TransactionCoordinators;
}

/** One transaction. Its broker learns of it with the first record, or the first offset. */
export class KafkajsTransaction implements KafkaTransaction {
  private readonly sending: KafkajsSending;
  /** Partitions that the transaction has, as `<partition>/<topic>`. */
  private readonly added = new Set<string>();
  private isOngoing = false;
  private isUncertain = false;

  constructor(
    private readonly parts: TransactionParts,
    private readonly transactionalId: string,
    private readonly producer: ProducerState,
    /** Called when the transaction has ended: whether its producer is fit for another one. */
    private readonly onEnd: (isFit: boolean) => void,
  ) {
    this.sending = new KafkajsSending({
      ...parts,
      transactionalId,
      producer: () => Promise.resolve(producer),
      prepare: (batches) => this.add(batches),
    });
  }

  async send(records: readonly KafkaRecord[]): Promise<Outcome[]> {
    const outcomes = await this.sending.send(records, this.parts.timeout);
    // The numbers of the next records are not known then.
    this.isUncertain ||= outcomes.some(
      (outcome) => outcome instanceof KafkaConnectionError && outcome.outcome === 'unknown',
    );
    return outcomes;
  }

  async sendOffsets(
    groupId: string,
    topic: string,
    offsets: readonly CommittedOffset[],
  ): Promise<void> {
    const { coordinators } = this.parts;
    const request = { ...this.identity(), groupId };
    this.isOngoing = true;
    await this.ask('adding offsets to a transaction', (broker) => broker.addOffsetsToTxn(request));
    const topics = [{ topic, partitions: offsets }];
    await coordinators.ask({ type: 'group', id: groupId }, 'sending offsets', (broker) =>
      broker.txnOffsetCommit({ ...request, topics }),
    );
  }

  commit(): Promise<void> {
    return this.end(true);
  }

  abort(): Promise<void> {
    return this.end(false);
  }

  private async end(isCommit: boolean): Promise<void> {
    const request = { ...this.identity(), transactionResult: isCommit };
    const action = isCommit ? 'committing a transaction' : 'aborting a transaction';
    let asked = 0;
    try {
      if (this.isOngoing) {
        await this.ask(action, (broker) => {
          asked++;
          return broker.endTxn(request);
        });
      }
      this.onEnd(!this.isUncertain);
    } catch (error) {
      this.onEnd(false);
      // An earlier request may have been carried out. A broker also does not know it where another producer
      // of this transactional id is opened at the same time.
      const isKnown = asked === 1 && !isReply(error, 'UNKNOWN', 'KAFKAJS_UNKNOWN_ERROR_CODE');
      throw isKnown ? error : new KafkaConnectionError('unknown', action, error);
    }
  }

  private async add(batches: readonly ProduceBatch[]): Promise<void> {
    const topics = new Map<string, number[]>();
    const names: string[] = [];
    for (const { topic, partition } of batches) {
      const name = `${partition}/${topic}`;
      if (this.added.has(name)) continue;
      names.push(name);
      topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    }
    if (names.length === 0) return;
    this.isOngoing = true;
    const list = Array.from(topics, ([topic, partitions]) => ({ topic, partitions }));
    await this.ask('adding partitions to a transaction', (broker) =>
      broker.addPartitionsToTxn({ ...this.identity(), topics: list }),
    );
    for (const name of names) this.added.add(name);
  }

  private identity(): object {
    const { producerId, producerEpoch } = this.producer;
    return { transactionalId: this.transactionalId, producerId, producerEpoch };
  }

  private ask<T>(action: string, request: (broker: KafkajsBroker) => Promise<T>): Promise<T> {
    const of = { type: 'transaction', id: this.transactionalId } as const;
    return this.parts.coordinators.ask(of, action, request);
  }
}
