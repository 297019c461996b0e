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
 * message whose settlement needs the record stays pending, and its settlement is tried again.
 */
export class StateContendedError extends StreamsError {
  static readonly code: string = 'STATE_CONTENDED';
  static readonly advice: string =
    'Nothing needs to be done where it comes and goes. If it stays, let fewer processes work on one workflow at a time, or use a state store that answers faster.';

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
