import { StreamsError } from '../../../../../core/errors/streams.error.js';
import { COORDINATOR_MOVES } from '../../../errors/kafka-reply.error.js';
import { rootOf } from './kafkajs-errors.js';

/** The broker's name for what it has refused. Undefined: no broker has answered. */
export const brokerWord = (error: unknown): string | undefined => rootOf(error).type;

/** Whether the same request may succeed soon: the broker says so, as a leader moves, for example. */
export const isPassing = (error: unknown): boolean =>
  brokerWord(error) !== undefined && (error as { readonly retriable?: unknown }).retriable === true;

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

/** Another broker coordinates the transaction or the group, or the transaction before has not ended. */
const BUSY: ReadonlySet<string> = new Set([...COORDINATOR_MOVES, 'CONCURRENT_TRANSACTIONS']);
export const isCoordinatorMoving = (word: string): boolean => BUSY.has(word);

/** Whether the request could not be made, and no repetition changes that: nothing was sent. */
export const isUnsendable = (error: unknown): boolean =>
  error instanceof StreamsError ||
  error instanceof TypeError ||
  error instanceof RangeError ||
  (error as Error).name === 'KafkaJSNotImplemented';
