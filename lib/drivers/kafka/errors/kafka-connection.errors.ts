import { ConnectionError } from '../../../core/errors/connection.errors.js';

/** The `ConnectionError` of Kafka. */
export class KafkaConnectionError extends ConnectionError {
  static override readonly code: string = 'KAFKA_CONNECTION';

  /** @param remedy what to do, where more is known than the lack of a connection */
  constructor(outcome: 'not-sent' | 'unknown', action: string, cause?: unknown, remedy?: string) {
    super('Kafka', outcome, action, cause, remedy, KafkaConnectionError.code);
  }
}

/** Whether a message was not sent, since no broker leads its partition. */
export const hasNoLeader = (error: unknown): boolean =>
  error instanceof KafkaConnectionError &&
  error.outcome === 'not-sent' &&
  (error.cause as { readonly type?: unknown } | undefined)?.type === 'LEADER_NOT_AVAILABLE';
