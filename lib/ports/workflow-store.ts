/** A step that has ended, as the store records it. */
export interface FinishedStep {
  readonly workflow: string;
  /** Place of the step, unique in the workflow. */
  readonly step: string;
  /** Number of the run: higher for later runs of the same step. */
  readonly run: number;
  readonly failed: boolean;
  /** The report of the step, as one text. */
  readonly record: string;
}

/** The end of a branch of a fan-out. */
export interface Arrival {
  readonly workflow: string;
  /** The step that fanned out. */
  readonly at: string;
  readonly index: number;
  /** Number of branches of the fan-out. */
  readonly of: number;
  /**
   * Identifies the message that brings the arrival: a later run of it has the same token, and no
   * other message has.
   */
  readonly token: string;
  /** The outcome of the branch, as one text. */
  readonly result: string;
  /** True: changes nothing where an outcome of the branch is recorded. */
  readonly duplicate?: boolean;
}

/** A workflow as it was recorded. */
export interface StoredWorkflow {
  /** In milliseconds since the epoch. Undefined: the workflow began with a producer's message. */
  readonly begunAt: number | undefined;
  readonly cancelled: boolean;
  /** Number of failed steps. */
  readonly failed: number;
  /** Texts of the steps, by their place. */
  readonly steps: ReadonlyMap<string, string>;
}

/**
 * Optional port: the state of workflows. What a method has written of a workflow is kept for `ttl`
 * milliseconds after it last wrote that, and for at least the time that `keep` has said. After that
 * the workflow is not known any more. Every method is one atomic step for each workflow, and may be
 * repeated. Workflows share nothing. Texts may be any Unicode text, and empty.
 *
 * Not its job: publishing, and the meaning of the texts.
 */
export interface WorkflowStore {
  /**
   * Records that a workflow has begun, so that it is known before its first step ends. The first
   * `at`, in milliseconds since the epoch, stays.
   */
  begin(workflow: string, at: number, ttl: number): Promise<void>;

  /**
   * Keeps everything about the workflow, now and later, for at least this time from now on, in
   * milliseconds. Works also before anything is known of the workflow.
   */
  keep(workflow: string, ms: number): Promise<void>;

  /**
   * Records steps, any number and in any order. Of two records of one step, that of the later run
   * stays; of the same run, the later record. `failed` of a workflow counts the steps whose record
   * that stays has failed. `run` may be any integer up to `Number.MAX_SAFE_INTEGER`. Returns one
   * result per step, or its error.
   */
  record(steps: readonly FinishedStep[], ttl: number): Promise<(undefined | Error)[]>;

  /**
   * Records that a branch has arrived. When all branches have, the arrival that was last gets the
   * results of all of them, in the order of the branches; of arrivals at the same moment, one is
   * last.
   * - The last arrival gets the results each time that it is repeated with the same token. Its own
   *   result is then the one that the repetition brings.
   * - All other arrivals get undefined, and change nothing after that.
   * - Before that, a branch counts once, and a later result of it replaces an earlier one: its first
   *   run came to nothing.
   * - A `duplicate` counts as the arrival of its branch where none is recorded.
   * - Fan-outs of one workflow (`at`) are counted apart.
   */
  arrive(arrival: Arrival, ttl: number): Promise<readonly string[] | undefined>;

  /**
   * Whether these workflows were cancelled, in order: false for one that is not known. Rejects where
   * the store cannot tell.
   */
  areCancelled(workflows: readonly string[]): Promise<boolean[]>;

  /** Cancels this workflow alone, also where the store does not know it yet. */
  cancel(workflow: string, ttl: number): Promise<void>;

  /** Undefined: the workflow is not known, or not any more. */
  read(workflow: string): Promise<StoredWorkflow | undefined>;
}
