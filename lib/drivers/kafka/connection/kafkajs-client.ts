import type { EventBus } from '../../../core/event-bus.js';
import type { KafkaAdmin, KafkaClient, KafkaProducer, ProducerOptions } from './kafka-client.js';
import type { CompletedKafkaOptions } from './kafka.options.js';
import { KafkajsAccess } from './kafkajs-access.js';
import { KafkajsAdmin } from './kafkajs-admin.js';
import { KafkajsBrokers } from './kafkajs-brokers.js';
import { KafkajsProducers } from './kafkajs-producers.js';

/** {@link KafkaClient} by kafkajs. */
export class KafkajsClient implements KafkaClient {
  readonly admin: KafkaAdmin;
  readonly access: KafkajsAccess;
  private readonly brokers: KafkajsBrokers;
  private readonly producers: KafkajsProducers;

  constructor(options: CompletedKafkaOptions, events: EventBus) {
    const { requestTimeout, compression } = options;
    this.access = new KafkajsAccess(options, events);
    this.brokers = new KafkajsBrokers(this.access, requestTimeout);
    this.admin = new KafkajsAdmin(this.brokers, () => this.access.load(), requestTimeout);
    this.producers = new KafkajsProducers(this.access, { requestTimeout, compression });
  }

  get connections(): number {
    return this.access.connections;
  }

  get unwrapped(): unknown {
    return this.access.unwrapped;
  }

  producer(options?: ProducerOptions): Promise<KafkaProducer> {
    return this.producers.open(options);
  }

  connect(): void {
    this.brokers.reach().catch(() => undefined);
  }

  close(): Promise<void> {
    return this.access.close();
  }
}
