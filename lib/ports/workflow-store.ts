/** A step that came to its end, as it is recorded. */
export interface FinishedStep {
  readonly workflow: string;
  /** Its place, unique in the workflow. */
  readonly step: string;
  /** Later runs of the same step have higher numbers. */
  readonly run: number;
  readonly failed: boolean;
  /** All about it, as one text. */
  readonly record: string;
}

/** A branch of a fan-out that came to its end. */
export interface Arrival {
  readonly workflow: string;
  /** The step that fanned out. */
  readonly at: string;
  readonly index: number;
  /** Branches of the fan-out. */
  readonly of: number;
  /** What a later run of the message that brings it has, too, and no other has. */
  readonly token: string;
  /** What came of the branch, as one text. */
  readonly result: string;
  /** It changes nothing where something has come of the branch before. */
  readonly duplicate?: boolean;
}

/** A workflow as it was recorded. */
export interface StoredWorkflow {
  /** ms since the epoch. Undefined: it began with a message of a producer. */
  readonly begunAt: number | undefined;
  readonly cancelled: boolean;
  /** Steps that failed. */
  readonly failed: number;
  /** Texts of the steps, by their place. */
  readonly steps: ReadonlyMap<string, string>;
}

/**
 * Optional port: what is known of workflows. What one method has written of a workflow is forgotten
 * `ttl` ms after it last wrote of that, and not before the time that `keep` has said. Every method is
 * one atomic step for each workflow, and may be repeated.
 *
 * Not its job: publishing, and what the texts mean.
 */
export interface WorkflowStore {
  /** Notes that a workflow has begun, so that it is known before its first step ends. */
  begin(workflow: string, at: number, ttl: number): Promise<void>;

  /** All that is known of it, or will be, is kept for so long from now on, ms, or longer. */
  keep(workflow: string, ms: number): Promise<void>;

  /**
   * Records steps. Of one that is recorded already, that of the later run stays. Answers one result
   * per step, or its error.
   */
  record(steps: readonly FinishedStep[], ttl: number): Promise<(undefined | Error)[]>;

  /**
   * Records that a branch has arrived. Once all have, the results of all of them, in the order of the
   * branches, are the answer to the one that arrived last, however often it is told with the same
   * token; all others are answered undefined, and change nothing. A later result of a branch replaces
   * the one before: its first run came to nothing then.
   */
  arrive(arrival: Arrival, ttl: number): Promise<readonly string[] | undefined>;

  /** Whether these workflows were cancelled, in order. Rejects where that cannot be known. */
  areCancelled(workflows: readonly string[]): Promise<boolean[]>;

  /** One that is not known yet is cancelled, too. */
  cancel(workflow: string, ttl: number): Promise<void>;

  /** Undefined: nothing is known of it (any more). */
  read(workflow: string): Promise<StoredWorkflow | undefined>;
}
