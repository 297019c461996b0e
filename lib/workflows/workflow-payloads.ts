/** Payload of a join: what the last step of each branch returned, in the order of the fan-out. */
export interface JoinedResults<T = unknown> {
  /** Null where a branch failed, or returned nothing. */
  readonly results: readonly (T | null)[];
  /** Of a `partial` join. */
  readonly failures?: readonly BranchFailure[];
}

/** A branch of a fan-out that failed. */
export interface BranchFailure {
  /** Its place in the fan-out. */
  readonly index: number;
  /** Why; see {@link WorkflowFailure.reason}. */
  readonly reason: string;
  readonly error?: { readonly name: string; readonly message: string };
  /** Of the step that failed. */
  readonly event?: string;
  readonly payload?: unknown;
}

/** Payload of an `onFailure` step. */
export interface WorkflowFailure<T = unknown> {
  readonly workflow: string;
  /** Place of the step that failed, or of the fan-out. */
  readonly step: string;
  /** Event type of the step that failed. Of a fan-out: undefined. */
  readonly event?: string;
  /** Reason of its dead letter; `branches-failed` of a fan-out. */
  readonly reason: string;
  readonly error?: { readonly name: string; readonly message: string };
  /** Payload of the step that failed. Left out where it cannot be read, or makes this too large. */
  readonly payload?: T;
  /** Of a fan-out: what its branches came to. */
  readonly results?: readonly unknown[];
  readonly failures?: readonly BranchFailure[];
}
