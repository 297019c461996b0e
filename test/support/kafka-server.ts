/** Private brokers for tests that kill, freeze or configure them. Others take `testKafka()`. */
export {
  type KafkaConfig,
  type KafkaServer,
  startKafka,
  type StartKafkaOptions,
} from './kafka-process.js';
