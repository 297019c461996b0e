// From the file that makes the driver known by its name: bundlers keep it, too.
export { kafka } from './runtime/kafka-by-name.js';
export type {
  KafkaOptions,
  KafkaPasswordLogin,
  KafkaTokenLogin,
  KafkaTopicOptions,
} from './drivers/kafka/connection/kafka.options.js';
export { KafkaConnectionError } from './drivers/kafka/errors/kafka-connection.errors.js';
export {
  KafkaInstanceTakenError,
  KafkaUnreadableError,
} from './drivers/kafka/errors/kafka-reading.errors.js';
export {
  KafkaTopicMissingError,
  KafkaTopicNameError,
} from './drivers/kafka/errors/kafka-topic.errors.js';
