import type { KafkaProducer, KafkaRecord, KafkaTransaction } from '../../kafka-client.js';
import type { KafkajsBroker } from '../library/kafkajs-broker.js';
import type { KafkajsCluster } from '../library/kafkajs-cluster.js';
import { KafkajsLeaders } from './kafkajs-leaders.js';
import { KafkajsSending } from './kafkajs-sending.js';
import type { Outcome } from './produce-batch.js';
import { ProducerState } from './producer-state.js';

/** What producers of one driver share. */
export interface ProducerParts {
  readonly cluster: KafkajsCluster;
  readonly leaders: KafkajsLeaders;
  /** Turns errors of kafkajs into those of the driver. */
  readonly typed: (error: unknown, action: string) => Error;
  /** Within this time each call has its outcome, in milliseconds. */
  readonly timeout: number;
  readonly compression?: number;
}

/**
 * A producer whose records are written once. kafkajs has one that does not say which record of several
 * was refused, and that loses records after such a refusal: this one uses its connections only.
 */
export class KafkajsProducer implements KafkaProducer {
  private readonly sending: KafkajsSending;
  private state: ProducerState | undefined;
  private opening: Promise<ProducerState> | undefined;

  constructor(private readonly parts: ProducerParts) {
    this.sending = new KafkajsSending({
      ...parts,
      producer: (broker) => this.opened(broker),
      renew: (producer) => this.renew(producer),
    });
  }

  send(records: readonly KafkaRecord[], ms = this.parts.timeout): Promise<Outcome[]> {
    return this.sending.send(records, ms);
  }

  transaction(): Promise<KafkaTransaction> {
    return Promise.reject(new TypeError('this producer has no transactional id'));
  }

  /** Its connections are those of the driver. */
  async close(): Promise<void> {}

  private opened(broker: KafkajsBroker): Promise<ProducerState> {
    this.opening ??= this.open(broker).finally(() => (this.opening = undefined));
    return this.state ? Promise.resolve(this.state) : this.opening;
  }

  private async open(broker: KafkajsBroker): Promise<ProducerState> {
    this.state ??= await openProducer(broker);
    return this.state;
  }

  /** The next call opens another one. */
  private renew(producer: ProducerState): void {
    if (this.state === producer) this.state = undefined;
  }
}

/** Asks a broker for the identity of a producer. One with a transactional id fences those before it. */
export async function openProducer(
  broker: KafkajsBroker,
  transactionalId?: string,
  transactionTimeout = 60_000,
): Promise<ProducerState> {
  const opened = await broker.initProducerId({ transactionalId, transactionTimeout });
  return new ProducerState(opened.producerId, opened.producerEpoch);
}
