import { messageOf } from '../../../core/errors/error-record.js';
import { StreamsError } from '../../../core/errors/streams.error.js';

/**
 * The brokers have answered with records that cannot be decoded. Their partition is tried again every ten
 * seconds; others go on. Reported by the event `worker-error`.
 */
export class KafkaUnreadableError extends StreamsError {
  static readonly code: string = 'KAFKA_UNREADABLE';
  static readonly advice: string =
    'Let the group go on behind these records by setPosition, or delete them with kafka-delete-records.sh.';

  constructor(
    readonly topic: string,
    readonly partition: number,
    /** The offset from which on the records were asked for. */
    readonly offset: number,
    cause?: unknown,
  ) {
    super(
      KafkaUnreadableError.code,
      `Partition ${partition} of the topic "${topic}" stays at offset ${offset}: the records there cannot be decoded ` +
        `(${messageOf(cause).replace(/\.$/, '')}). ${KafkaUnreadableError.advice}`,
      cause,
    );
  }
}

/**
 * Several processes have the same `instanceId`, so each one takes the partitions from the other. Reported by
 * the event `worker-error`. The process goes on, and waits for some seconds before it takes them again.
 */
export class KafkaInstanceTakenError extends StreamsError {
  static readonly code: string = 'KAFKA_INSTANCE_TAKEN';
  static readonly advice: string =
    'Give each process an instanceId of its own, such as the name of its pod, or leave the option out.';

  constructor(readonly instanceId: string) {
    super(
      KafkaInstanceTakenError.code,
      `Another process reads the same streams with the instanceId "${instanceId}". ${KafkaInstanceTakenError.advice}`,
    );
  }
}
