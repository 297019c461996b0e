import type {
  Arrival,
  StoredWorkflow,
  WorkflowStore,
  FinishedStep,
} from '../../ports/workflow-store.js';
import type { KeptWorkflow, MemoryBroker } from './broker/memory.broker.js';

/** Workflows of a broker. */
export class MemoryWorkflowStore implements WorkflowStore {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async begin(workflow: string, at: number, ttl: number): Promise<void> {
    this.kept(workflow, ttl).begunAt ??= at;
  }

  async keep(workflow: string, ms: number): Promise<void> {
    this.kept(workflow, ms);
  }

  async record(steps: readonly FinishedStep[], ttl: number): Promise<undefined[]> {
    return steps.map((step) => {
      const recorded = this.kept(step.workflow, ttl).steps;
      const before = recorded.get(step.step);
      if (!before || step.run >= before.run) recorded.set(step.step, step);
      return undefined;
    });
  }

  async arrive(arrival: Arrival, ttl: number): Promise<readonly string[] | undefined> {
    const { workflow, at, index, of, token, result, duplicate } = arrival;
    const { joins } = this.kept(workflow, ttl);
    let joining = joins.get(at);
    if (!joining) joins.set(at, (joining = { results: new Map() }));
    const { results, last } = joining;
    if (last !== undefined && last !== token) return undefined;
    if (!duplicate || !results.has(index)) results.set(index, result);
    if (results.size < of) return undefined;
    joining.last = token;
    return Array.from({ length: of }, (_, branch) => results.get(branch)!);
  }

  async areCancelled(workflows: readonly string[]): Promise<boolean[]> {
    return workflows.map((workflow) => this.find(workflow)?.cancelled ?? false);
  }

  async cancel(workflow: string, ttl: number): Promise<void> {
    this.kept(workflow, ttl).cancelled = true;
  }

  async read(workflow: string): Promise<StoredWorkflow | undefined> {
    const found = this.find(workflow);
    if (!found) return undefined;
    const steps = [...found.steps.values()];
    return {
      begunAt: found.begunAt,
      cancelled: found.cancelled ?? false,
      failed: steps.filter(({ failed }) => failed).length,
      steps: new Map(steps.map(({ step, record }) => [step, record])),
    };
  }

  private find(workflow: string): KeptWorkflow | undefined {
    return this.broker.workflows.get(this.keyPrefix + workflow);
  }

  /** Creates the state where it is missing, and keeps it for at least this time from now on. */
  private kept(workflow: string, ttl: number): KeptWorkflow {
    const { workflows } = this.broker;
    const key = this.keyPrefix + workflow;
    let found = workflows.get(key);
    if (found) workflows.prolong(key, ttl);
    else workflows.set(key, (found = { steps: new Map(), joins: new Map() }), ttl);
    return found;
  }
}
