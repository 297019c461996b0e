import { PermissionDeniedError, ServerReplyError } from '../../../core/errors/server.errors.js';

/** Names of errors after which no repetition of the same request succeeds. */
const PERMANENT: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'OFFSET_METADATA_TOO_LARGE',
]);

/** The request is one of a member whose generation is over: others may have its partitions. */
const NO_MEMBER: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
]);

/** Another broker leads the partition now, or will soon. */
export const LEADER_MOVES = [
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'REPLICA_NOT_AVAILABLE',
] as const;

/** Another broker coordinates the group or the transaction now, or will soon. */
export const COORDINATOR_MOVES = [
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
] as const;

/** The brokers are about to choose one of them for something, or do not answer each other. */
const PASSING: ReadonlySet<string> = new Set([
  ...LEADER_MOVES,
  ...COORDINATOR_MOVES,
  'BROKER_NOT_AVAILABLE',
  'NOT_CONTROLLER',
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
]);

/** Another producer with the same transactional id was opened. */
const FENCED: ReadonlySet<string> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
]);

/**
 * A `ServerReplyError` of a Kafka broker. For this driver: `type` is the broker's name for the error,
 * such as `MESSAGE_TOO_LARGE`.
 */
export class KafkaReplyError extends ServerReplyError {
  constructor(
    action: string,
    readonly type: string,
    description: string,
  ) {
    super(action, new Error(`${description.replace(/\.$/, '')} (${type})`));
  }

  override get permanent(): boolean {
    return PERMANENT.has(this.type);
  }
}

/** Whether a broker has refused the request with one of these errors. */
export const isReply = (error: unknown, ...types: string[]): error is KafkaReplyError =>
  error instanceof KafkaReplyError && types.includes(error.type);

/** Whether the same request may succeed in a moment. */
export const isPassing = (error: unknown): error is KafkaReplyError =>
  error instanceof KafkaReplyError && PASSING.has(error.type);

/** Whether the user has no right to do this. */
export const isDenied = (error: unknown): error is PermissionDeniedError =>
  error instanceof PermissionDeniedError;

/** Whether the request was refused since the generation of the member is over. */
export const isNoMember = (error: unknown): error is KafkaReplyError =>
  error instanceof KafkaReplyError && NO_MEMBER.has(error.type);

/** Whether the producer was refused since another one with its transactional id was opened. */
export const isFenced = (error: unknown): error is KafkaReplyError =>
  error instanceof KafkaReplyError && FENCED.has(error.type);
