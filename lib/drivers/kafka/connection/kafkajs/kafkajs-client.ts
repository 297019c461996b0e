import type { EventBus } from '../../../../core/event-bus.js';
import type { KafkaAdmin, KafkaClient, KafkaProducer, ProducerOptions } from '../kafka-client.js';
import type { GroupOptions, KafkaGroup } from '../kafka-group.js';
import type { CompletedKafkaOptions } from '../kafka.options.js';
import { Coordinators } from './access/coordinators.js';
import { KafkajsAccess } from './access/kafkajs-access.js';
import { KafkajsAdmin } from './admin/kafkajs-admin.js';
import { KafkajsBrokers } from './admin/kafkajs-brokers.js';
import { GroupCoordinators } from './members/group-coordinators.js';
import { KafkajsGroup } from './members/kafkajs-group.js';
import { KafkajsProducers } from './producing/kafkajs-producers.js';

/** {@link KafkaClient} by kafkajs. */
export class KafkajsClient implements KafkaClient {
  readonly admin: KafkaAdmin;
  readonly access: KafkajsAccess;
  private readonly brokers: KafkajsBrokers;
  private readonly producers: KafkajsProducers;
  readonly groups: GroupCoordinators;

  constructor(options: CompletedKafkaOptions, events: EventBus) {
    const { requestTimeout, compression } = options;
    this.access = new KafkajsAccess(options, events);
    const coordinators = new Coordinators();
    this.brokers = new KafkajsBrokers(this.access, coordinators, requestTimeout);
    this.admin = new KafkajsAdmin(this.brokers, () => this.access.load(), requestTimeout);
    this.groups = new GroupCoordinators(this.access, coordinators);
    this.producers = new KafkajsProducers(this.access, coordinators, {
      requestTimeout,
      compression,
    });
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

  member(options: GroupOptions): KafkaGroup {
    return new KafkajsGroup(options, this);
  }

  connect(): void {
    this.brokers.reach().catch(() => undefined);
  }

  close(): Promise<void> {
    return this.access.close();
  }
}
