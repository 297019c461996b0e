/** The events of workflows, by name. */
export interface WorkflowEvents {
  /**
   * A workflow has begun here: `Workflows.start` has published its first step, or the method of a
   * message has returned the steps that follow.
   */
  'workflow-begun': {
    /** Id of the workflow. */
    readonly workflow: string;
    /** Event type of its first step. */
    readonly eventType: string;
    /** Stream of its first step. Undefined: that which the routes name. */
    readonly stream: string | undefined;
  };
  /**
   * The last step of a workflow has ended here. Needs a store of workflows. Steps that end at the same
   * moment in two processes may raise it twice, and a process that dies may leave it out.
   */
  'workflow-ended': {
    /** Id of the workflow. */
    readonly workflow: string;
    /** How it ended. */
    readonly status: 'completed' | 'failed' | 'cancelled';
    /** Number of its steps that are known. */
    readonly steps: number;
    /** Time since its first step began, in milliseconds. Undefined: that is not known. */
    readonly duration: number | undefined;
  };
}
