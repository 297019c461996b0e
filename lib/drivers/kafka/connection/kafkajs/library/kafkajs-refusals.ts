import { StreamsError } from '../../../../../core/errors/streams.error.js';

/** What kafkajs throws. Its classes belong to a package that is loaded later. */
interface KafkajsError extends Error {
  /** The broker's name for the error, such as `MESSAGE_TOO_LARGE`. Only where a broker has answered. */
  readonly type?: unknown;
  readonly retriable?: unknown;
  readonly cause?: unknown;
}

/** The broker's name for what it has refused. Undefined: no broker has answered. */
export function brokerWord(error: unknown): string | undefined {
  const { type, cause } = (error ?? {}) as KafkajsError;
  if (typeof type === 'string') return type;
  return cause === undefined ? undefined : brokerWord(cause);
}

/** Whether the same request may succeed soon: the broker says so, as a leader moves, for example. */
export const isPassing = (error: unknown): boolean =>
  brokerWord(error) !== undefined && (error as KafkajsError).retriable === true;

/** Whether nothing was written to the connection, because there was none. */
export const isUnconnected = (error: unknown): boolean =>
  error instanceof Error && /^(?:Broker not|Not) connected$/.test(error.message);

/** The broker has stored the records, and maybe not all replicas have them. */
const MAY_BE_STORED: ReadonlySet<string> = new Set([
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'DUPLICATE_SEQUENCE_NUMBER',
]);
export const mayBeStored = (word: string): boolean => MAY_BE_STORED.has(word);

/** The broker does not know the producer any more, or not what it has sent last. */
const PRODUCER_LOST: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);
export const isProducerLost = (word: string): boolean => PRODUCER_LOST.has(word);

/** The batch was refused for what one of its records is. */
const OF_ONE_RECORD: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
]);
export const isOfOneRecord = (word: string): boolean => OF_ONE_RECORD.has(word);

/** Another broker coordinates the transaction or the group now, or will soon. */
const COORDINATOR_MOVES: ReadonlySet<string> = new Set([
  'NOT_COORDINATOR_FOR_GROUP',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'CONCURRENT_TRANSACTIONS',
]);
export const isCoordinatorMoving = (word: string): boolean => COORDINATOR_MOVES.has(word);

/** Whether the request could not be made, and no repetition changes that: nothing was sent. */
export const isUnsendable = (error: unknown): boolean =>
  error instanceof StreamsError ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  (error as Error).name === 'KafkaJSNotImplemented';
