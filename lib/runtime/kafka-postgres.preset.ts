import { isDeepStrictEqual } from 'node:util';
import { nested } from '../core/option-schema/kinds.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { KAFKA_OPTIONS } from '../drivers/kafka/connection/kafka.options.js';
import { kafka } from '../drivers/kafka/kafka.driver.js';
import { POSTGRES_OPTIONS } from '../drivers/postgres/connection/postgres.options.js';
import { postgres } from '../drivers/postgres/postgres.driver.js';
import { SETTINGS_OPTIONS, type StreamsOptions } from '../options/streams-options.js';

const KAFKA_POSTGRES_SLOTS = declareOptions('kafkaPostgres', {
  /** The Kafka cluster of the messages. @default { brokers: ['localhost:9092'] } */
  messageSource: nested(KAFKA_OPTIONS),
  /** The PostgreSQL server that keeps the state. @default what the variables of `pg` say */
  stateStore: nested(POSTGRES_OPTIONS),
  /** The Kafka cluster that keeps dead letters. @default that of the messages */
  deadLetterQueue: nested(KAFKA_OPTIONS),
});

const KAFKA_POSTGRES_OPTIONS = declareOptions(KAFKA_POSTGRES_SLOTS.of, {
  ...SETTINGS_OPTIONS.options,
  ...KAFKA_POSTGRES_SLOTS.options,
});

/** What `kafkaPostgres` takes: what fills the slots, and all other options. */
export interface KafkaPostgresOptions
  extends Given<typeof KAFKA_POSTGRES_SLOTS>, Omit<StreamsOptions, 'slots' | 'drivers'> {}

/**
 * Options of a module, transport or client with messages and dead letters on Kafka, and state on
 * PostgreSQL.
 *
 * ```ts
 * StreamsModule.forRoot(kafkaPostgres({ group: 'payment-processor-group', maxDeliveries: 6 }))
 * ```
 *
 * @throws InvalidOptionsError naming every problem
 */
export function kafkaPostgres(options: KafkaPostgresOptions = {}): StreamsOptions {
  refuse(KAFKA_POSTGRES_OPTIONS.problems(options));
  const { messageSource, stateStore, deadLetterQueue, ...others } = options;
  // Without a queue of its own the source keeps dead letters, in one step with the settlement.
  const isApart = deadLetterQueue && !isDeepStrictEqual(deadLetterQueue, messageSource ?? {});
  return {
    ...others,
    slots: {
      messageSource: kafka(messageSource),
      stateStore: postgres(stateStore),
      ...(isApart && { deadLetterQueue: kafka(deadLetterQueue) }),
    },
  };
}
