import { StreamsError } from '../../../core/errors/streams.error.js';

/** The topic of a stream does not exist, and the option `createTopics` is `false`. Nothing was sent. */
export class KafkaTopicMissingError extends StreamsError {
  static readonly code: string = 'KAFKA_TOPIC_MISSING';
  static readonly advice: string =
    'Make the topic, for example with kafka-topics.sh, or let the driver make it: createTopics: true.';

  constructor(readonly topic: string) {
    super(
      KafkaTopicMissingError.code,
      `The topic "${topic}" does not exist; nothing was sent. ${KafkaTopicMissingError.advice}`,
    );
  }
}

/**
 * The brokers cannot make a topic of this name: another topic has the same name but for dots and
 * underscores, or the name is not valid. Nothing was sent.
 */
export class KafkaTopicNameError extends StreamsError {
  static readonly code: string = 'KAFKA_TOPIC_NAME';
  static readonly advice: string =
    'Choose another name for the stream, another keyPrefix, or delete the other topic.';

  constructor(
    readonly topic: string,
    /** Topics whose names differ in dots and underscores only. */
    readonly others: readonly string[],
    cause?: unknown,
  ) {
    const why =
      others.length > 0
        ? `its name differs from that of ${others.map((other) => `"${other}"`).join(', ')} in dots and underscores only`
        : 'the brokers do not take its name';
    super(
      KafkaTopicNameError.code,
      `The topic "${topic}" cannot be made: ${why}. ${KafkaTopicNameError.advice}`,
      cause,
    );
  }

  override get permanent(): boolean {
    return true;
  }
}
