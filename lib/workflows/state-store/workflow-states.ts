import type { Lifetime, SharedRecord, SharedRecords } from './shared-record.js';
import { isFresh } from './shared-record.js';

/** What concerns a workflow as a whole. */
export interface WorkflowRecord {
  /** In milliseconds since the epoch. */
  readonly begunAt?: number;
  readonly cancelled?: true;
  /** The fan-outs whose branches arrive. */
  readonly joins?: readonly string[];
  /** All that was there is kept until then, in milliseconds since the epoch. */
  readonly kept?: number;
}

/** The records of workflows as a whole. */
export class WorkflowStates {
  constructor(private readonly records: SharedRecords) {}

  async read(workflow: string): Promise<WorkflowRecord> {
    return (await this.records.read<WorkflowRecord>(keyOf(workflow))).is ?? {};
  }

  /** Changes what is known of the workflow. */
  change(
    workflow: string,
    lifetime: Lifetime,
    change: (before: WorkflowRecord) => WorkflowRecord,
  ): Promise<SharedRecord<WorkflowRecord>> {
    const whole = ({ is = {} }: SharedRecord<WorkflowRecord>) => ({ is: change(is) });
    return this.records.update(keyOf(workflow), lifetime, whole);
  }

  /** Enters a fan-out, so that `keep` finds it. */
  enterJoin(
    workflow: string,
    at: string,
    lifetime: Lifetime,
  ): Promise<SharedRecord<WorkflowRecord>> {
    return this.records.update<WorkflowRecord>(keyOf(workflow), lifetime, ({ is, expires }) => {
      const joins = is?.joins ?? [];
      const isEntered = joins.includes(at);
      if (isEntered && isFresh(expires, lifetime, this.records.clock.wallTime())) return undefined;
      return { is: isEntered ? is : { ...is, joins: [...joins, at] } };
    });
  }
}

const keyOf = (workflow: string): string => `workflow:state:${workflow}`;
