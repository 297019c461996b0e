import { refuse } from '../../core/option-schema/refuse.js';
import type { Driver, DriverContext, DriverFactory } from '../../ports/driver.js';
import { openOptions } from './connection/driver-parts.js';
import { KAFKA_OPTIONS, DEFAULT_TOPICS, type KafkaOptions } from './connection/kafka.options.js';
import { KafkajsClient } from './connection/kafkajs/kafkajs-client.js';
import { ensureKafkaJS } from './connection/kafkajs/library/kafkajs-package.js';
import { OFFSET_IDS } from './ids/message-ids.js';
import { Names } from './names/names.js';
import { openKafka } from './source/open-kafka.js';

/**
 * Uses Kafka for the slots `messageSource` and `deadLetterQueue`. Needs the package `kafkajs`.
 * @throws InvalidOptionsError naming every problem
 */
export function kafka(options: KafkaOptions = {}): DriverFactory {
  refuse(KAFKA_OPTIONS.problems(options));
  return { technology: 'kafka', ids: OFFSET_IDS, open: (context) => open(options, context) };
}

/** @throws MissingPackageError */
function open(given: KafkaOptions, { events, keyPrefix }: DriverContext): Driver {
  ensureKafkaJS();
  const options = KAFKA_OPTIONS.complete(given);
  return openKafka({
    client: new KafkajsClient(options, events),
    events,
    names: new Names(keyPrefix),
    options: openOptions(options),
    settings: options.topics ?? DEFAULT_TOPICS,
  });
}
