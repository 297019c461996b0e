import { COMPRESSIONS } from '../../../compression/register-codecs.js';
import type { KafkaProducer, ProducerOptions } from '../../kafka-client.js';
import type { CompletedKafkaOptions } from '../../kafka.options.js';
import type { Coordinators } from '../access/coordinators.js';
import type { KafkajsAccess } from '../access/kafkajs-access.js';
import { typedError } from '../library/kafkajs-errors.js';
import { KafkajsLeaders } from './kafkajs-leaders.js';
import { KafkajsProducer } from './kafkajs-producer.js';
import type { TransactionParts } from './kafkajs-transaction.js';
import { KafkajsTransactionalProducer } from './kafkajs-transactional-producer.js';
import { TransactionCoordinators } from './transaction-coordinators.js';

type Options = Pick<CompletedKafkaOptions, 'requestTimeout' | 'compression'>;

/** The producers of one driver. They share one connection to each broker. */
export class KafkajsProducers {
  private opening: Promise<TransactionParts> | undefined;

  constructor(
    private readonly access: Pick<KafkajsAccess, 'cluster'>,
    private readonly coordinators: Coordinators,
    private readonly options: Options,
  ) {}

  /** Opens a producer. Asks no broker: the first call of the producer does. */
  async open({
    transactionalId,
    transactionTimeout,
  }: ProducerOptions = {}): Promise<KafkaProducer> {
    this.opening ??= this.parts();
    const parts = await this.opening;
    return transactionalId === undefined
      ? new KafkajsProducer(parts)
      : new KafkajsTransactionalProducer(parts, transactionalId, transactionTimeout);
  }

  private async parts(): Promise<TransactionParts> {
    const { requestTimeout: timeout, compression } = this.options;
    const cluster = await this.access.cluster();
    const typed = typedError;
    return {
      ...{ cluster, typed, timeout, compression: COMPRESSIONS[compression] },
      leaders: new KafkajsLeaders(cluster),
      coordinators: new TransactionCoordinators({
        cluster,
        typed,
        timeout,
        known: this.coordinators,
      }),
    };
  }
}
