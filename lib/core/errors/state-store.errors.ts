import { StreamsError } from './streams.error.js';

/**
 * A state store keeps as many keys as it may, and refused a new one. Nothing was written; existing keys can
 * be changed and deleted. While the store is full, messages of handlers with `dedupe` wait, and are tried again.
 */
export class StateStoreFullError extends StreamsError {
  static readonly code: string = 'STATE_STORE_FULL';
  static readonly advice: string =
    'Raise maxKeys where the process has the memory, shorten the ttl of the keys, delete keys that are no longer needed, or fill the slot stateStore with a driver that stores on disk or on a server.';

  /** @param maxKeys how many keys the store may keep */
  constructor(
    readonly store: string,
    readonly maxKeys: number,
  ) {
    super(
      StateStoreFullError.code,
      `The state store ${store} is full: it has ${maxKeys} keys, and refused a new one. ` +
        StateStoreFullError.advice,
    );
  }
}

/**
 * Other processes changed the same record of a state store faster, at every try. Nothing was written. A
 * message whose settlement needs the record stays pending, and its settlement is tried again. The record of a
 * consumer is tried again at the next interval.
 */
export class StateContendedError extends StreamsError {
  static readonly code: string = 'STATE_CONTENDED';
  static readonly advice: string =
    'Nothing needs to be done where it comes and goes. If it stays, let fewer processes change one record at a time, or use a state store that answers faster.';

  /** @param key the key in the state store */
  constructor(
    readonly key: string,
    tries: number,
  ) {
    super(
      StateContendedError.code,
      `The record "${key}" of the state store was changed by other processes at each of ${tries} tries. ` +
        StateContendedError.advice,
    );
  }
}

/**
 * A state store has lost the result of a branch that had arrived at its join, so the join cannot be
 * published. The message of the last branch stays pending, and its settlement is tried again.
 */
export class WorkflowStateLostError extends StreamsError {
  static readonly code: string = 'WORKFLOW_STATE_LOST';
  static readonly advice: string =
    'Look why the state store drops keys before they expire, for example an eviction policy or a restore from a backup. Cancel the workflow and start it again.';

  /** @param at the step that fanned out */
  constructor(
    readonly workflow: string,
    readonly at: string,
  ) {
    super(
      WorkflowStateLostError.code,
      `The state store has lost results of step ${at} of workflow "${workflow}". ` +
        WorkflowStateLostError.advice,
    );
  }
}

/**
 * The record of a consumer's position cannot be read, so the consumer does not know where to resume. Thrown
 * when the consumer starts, on a message source that does not remember positions itself.
 */
export class ConsumerStateUnreadableError extends StreamsError {
  static readonly code: string = 'CONSUMER_STATE_UNREADABLE';
  static readonly advice: string =
    'Correct the record, or delete it by the method reset of ConsumerStates: the consumer then begins at startId.';

  /** @param expected what an id of the source looks like */
  constructor(
    readonly key: string,
    expected: string,
  ) {
    super(
      ConsumerStateUnreadableError.code,
      `The record "${key}" of the state store has no offset that is ${expected}. ` +
        ConsumerStateUnreadableError.advice,
    );
  }
}

/** A consumer of this process reads the stream, so its record would be written again at once. */
export class ConsumerStateInUseError extends StreamsError {
  static readonly code: string = 'CONSUMER_STATE_IN_USE';
  static readonly advice: string = 'Close the consumer first, also in other processes.';

  constructor(
    readonly stream: string,
    readonly group: string,
  ) {
    super(
      ConsumerStateInUseError.code,
      `A consumer of this process reads stream "${stream}" in group "${group}", and keeps its record. ` +
        ConsumerStateInUseError.advice,
    );
  }
}

/**
 * A value has more bytes than the state store takes for one key. Nothing was written. Has `key`, `size` and
 * `limit`, in bytes.
 */
export class StateValueTooLargeError extends StreamsError {
  static readonly code: string = 'STATE_VALUE_TOO_LARGE';
  static readonly advice: string =
    'Store the data elsewhere and keep a reference to it here. On NATS an administrator may raise max_payload of the servers.';

  /** @param limit most bytes of one value */
  constructor(
    readonly key: string,
    readonly size: number,
    readonly limit: number,
  ) {
    super(
      StateValueTooLargeError.code,
      `The value of key "${key}" has ${size} bytes, the state store takes ${limit}; nothing was written. ` +
        StateValueTooLargeError.advice,
    );
  }
}
