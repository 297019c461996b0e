/** The name among a step's metadata that holds its place. */
export const WORKFLOW = 'workflow';

/** Which step of which workflow a delivery runs. The engine of workflows keeps more in an object of its own. */
export interface WorkflowPlace {
  /** Id of the workflow. */
  readonly id: string;
  /** Place of the step, unique in the workflow: `0` the first, then `1`, …; `1.3.2` in branch 3 of step 1. */
  readonly step: string;
  /** Id of the message that this step follows from. Undefined for the first step. */
  readonly parent: string | undefined;
}

/**
 * What the engine of workflows records of a step, beside the acknowledgement of its message. Its record
 * is stored as it is: drivers and consumers never look inside.
 */
export interface SettledStep {
  readonly workflow: string;
  readonly step: string;
  /** Of the last step of a branch: the settlement brings the branch to its join. */
  readonly arriving?: object | undefined;
}
