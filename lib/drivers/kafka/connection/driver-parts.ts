import type { EventBus } from '../../../core/event-bus.js';
import type { Names } from '../names/names.js';
import type { KafkaClient } from './kafka-client.js';
import type { CompletedKafkaOptions, TopicSettings } from './kafka.options.js';

const SECRET = ['ssl', 'sasl', 'brokers', 'topics'] as const;

/** The options that every part may know: none of them is a secret. */
export type OpenOptions = Omit<CompletedKafkaOptions, (typeof SECRET)[number]>;

/** Leaves out what is secret, and where the brokers are. */
export function openOptions(options: CompletedKafkaOptions): OpenOptions {
  const { ssl: _, sasl: __, brokers: ___, topics: ____, ...open } = options;
  return open;
}

/** What each part of the driver is made of. */
export interface DriverParts {
  readonly client: KafkaClient;
  readonly events: EventBus;
  readonly names: Names;
  readonly options: OpenOptions;
  /** What the topics are like that the driver makes. */
  readonly settings: TopicSettings;
}
