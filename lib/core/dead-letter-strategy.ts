import type { DeadLetterRecord } from './dead-letter-record.js';
import type { Fields } from './message.js';

/** Publishes the message to another stream, and acknowledges it. */
export interface ForwardTo {
  /**
   * The stream, or a function that returns it. The function may not be async: where the stream must be
   * looked up, make the strategy itself an async function.
   */
  readonly forward: string | ((record: DeadLetterRecord) => string);
}

/** What becomes of one message that is given up. */
export type DeadLetterAction =
  /** It is stored in the dead letter queue. */
  | 'queue'
  /** It is acknowledged, and counted as dropped. */
  | 'drop'
  /** It stays pending, and no consumer runs it, until an operator releases it. */
  | 'hold'
  | ForwardTo;

/**
 * What becomes of messages that are given up: one action for all, or a function that decides for
 * each message.
 */
export type DeadLetterStrategy =
  | DeadLetterAction
  | ((
      record: DeadLetterRecord,
      /** The fields of the entry as they are in the stream, names and values in turn. */
      fields: Fields,
    ) => DeadLetterAction | Promise<DeadLetterAction>);
