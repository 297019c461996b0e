/** Payload of a join: what the last step of each branch returned, in the order of the fan-out. */
export interface JoinedResults<T = unknown> {
  /** Null for a branch that failed, or that returned nothing. */
  readonly results: readonly (T | null)[];
  /** The branches that failed. Only a `partial` join has them. */
  readonly failures?: readonly BranchFailure[];
}

/** A branch of a fan-out that failed. */
export interface BranchFailure {
  /** Position of the branch in the fan-out. */
  readonly index: number;
  /** Reason of the failure; see {@link WorkflowFailure.reason}. */
  readonly reason: string;
  /** What the step threw. */
  readonly error?: { readonly name: string; readonly message: string };
  /** Event type of the step that failed. */
  readonly event?: string;
  /** Payload of the step that failed. */
  readonly payload?: unknown;
}

/** Payload of an `onFailure` step. */
export interface WorkflowFailure<T = unknown> {
  /** Id of the workflow. */
  readonly workflow: string;
  /** Place of the step that failed, or of the fan-out. */
  readonly step: string;
  /** Event type of the step that failed. Undefined for a fan-out. */
  readonly event?: string;
  /** Reason of its dead letter; `branches-failed` for a fan-out. */
  readonly reason: string;
  /** What the step threw. */
  readonly error?: { readonly name: string; readonly message: string };
  /**
   * Payload of the step that failed. Left out where it cannot be read, or makes this message too
   * large.
   */
  readonly payload?: T;
  /** For a fan-out: the results of its branches. */
  readonly results?: readonly unknown[];
  /** For a fan-out: the branches that failed. */
  readonly failures?: readonly BranchFailure[];
}
