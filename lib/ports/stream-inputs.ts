import type { Fields } from '../core/message.js';

/** The stream of inputs. Not its job: to know what the fields mean. */
export interface StreamInputs {
  /** Appends an input, and returns its id. */
  add(fields: Fields): Promise<string>;

  /**
   * Returns new inputs, at most `limit`, as soon as there is one; `[]` when none came in time, or
   * after `close`. They are pending to this consumer then, until they are completed or discarded.
   * Each input goes to one consumer of the service. Inputs that were added before the first consumer
   * joined are not missed. Rejects at an outage: the caller decides how often to try again. One call
   * at a time.
   */
  pull(limit: number): Promise<readonly StreamInput[]>;

  /**
   * A page of at most `limit` inputs that are pending to any consumer, in the order of ids, behind
   * the id `after`.
   */
  pending(after: string | undefined, limit: number): Promise<readonly PendingInput[]>;

  /**
   * Makes these inputs pending to this consumer, as if handed out now, where they are still pending
   * to the consumers in `rows`. All others stay as they are.
   */
  adopt(rows: readonly PendingInput[]): Promise<void>;

  /** Inputs by their ids, in that order. */
  read(ids: readonly string[]): Promise<readonly StreamInput[]>;

  /**
   * Moves an input to the dead letters of the service, with a reason. It is not pending any more,
   * to no matter which consumer. Repeats rather than loses.
   * @returns whether this call moved it
   */
  discard(input: StreamInput, reason: string): Promise<boolean>;

  /** Why no data stream may have this name, as a sentence: the service keeps its own data there. */
  problemOf(stream: string): string | undefined;
}

/** An input, not decoded. Undefined fields: it was deleted from the stream of inputs. */
export interface StreamInput {
  readonly id: string;
  readonly fields: Fields | undefined;
}

/** An input that was handed out and not completed. */
export interface PendingInput {
  readonly id: string;
  /** Consumer to which the input is pending. */
  readonly owner: string;
  /** Time since the input was handed out, in milliseconds; very long where it was given back. */
  readonly idle: number;
}
