export { kafkaPostgres, type KafkaPostgresOptions } from './runtime/kafka-postgres.preset.js';
export type {
  KafkaPasswordLogin,
  KafkaTokenLogin,
  KafkaTopicOptions,
} from './drivers/kafka/connection/kafka.options.js';
export type { PgPool } from './drivers/postgres/connection/postgres.options.js';
