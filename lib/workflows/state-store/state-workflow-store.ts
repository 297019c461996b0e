import type { Clock } from '../../core/clock.js';
import { asError } from '../../core/errors/error-record.js';
import { grouped } from '../../core/collections/grouped.js';
import type { StateStore } from '../../ports/state-store.js';
import type {
  Arrival,
  FinishedStep,
  StoredWorkflow,
  WorkflowStore,
} from '../../ports/workflow-store.js';
import { JoinResults } from './join-results.js';
import { RecordedJoins } from './recorded-joins.js';
import { RecordedSteps } from './recorded-steps.js';
import { SharedRecords } from './shared-record.js';
import { WorkflowStates } from './workflow-states.js';

/**
 * Workflows in any state store: see docs/decisions/0031. Processes that share a store agree by
 * `compareAndSet` alone.
 */
export class StateWorkflowStore implements WorkflowStore {
  private readonly states: WorkflowStates;
  private readonly steps: RecordedSteps;
  private readonly joins: RecordedJoins;

  constructor(
    store: StateStore,
    private readonly clock: Clock,
  ) {
    const records = new SharedRecords(store, clock);
    this.states = new WorkflowStates(records);
    this.steps = new RecordedSteps(records);
    this.joins = new RecordedJoins(records, this.states, new JoinResults(store));
  }

  async begin(workflow: string, at: number, ttl: number): Promise<void> {
    await this.states.change(workflow, { ttl }, (before) => ({ begunAt: at, ...before }));
  }

  async keep(workflow: string, ms: number): Promise<void> {
    const until = this.clock.wallTime() + ms;
    if (((await this.states.read(workflow)).kept ?? 0) >= until) return;
    // Branches of a fan-out ask one after the other, for little more each time.
    const kept = until + ms / 10;
    const lifetime = { ttl: 0, until: kept };
    // First: a join that is entered from now on finds how long it has to be kept.
    const { is } = await this.states.change(workflow, lifetime, (before) => before);
    const joins = (is?.joins ?? []).map((at) => this.joins.keep({ workflow, at }, kept));
    await Promise.all([this.steps.keep(workflow, kept), ...joins]);
    await this.states.change(workflow, lifetime, (before) => ({
      ...before,
      kept: Math.max(before.kept ?? 0, kept),
    }));
  }

  async record(steps: readonly FinishedStep[], ttl: number): Promise<(undefined | Error)[]> {
    const results = new Array<undefined | Error>(steps.length);
    const indexes = grouped([...steps.keys()], (index) => steps[index]!.workflow);
    await Promise.all(
      [...indexes].map(async ([workflow, own]) => {
        try {
          await this.steps.add(
            workflow,
            own.map((index) => steps[index]!),
            ttl,
          );
        } catch (error) {
          for (const index of own) results[index] = asError(error);
        }
      }),
    );
    return results;
  }

  arrive(arrival: Arrival, ttl: number): Promise<readonly string[] | undefined> {
    return this.joins.arrive(arrival, ttl);
  }

  async areCancelled(workflows: readonly string[]): Promise<boolean[]> {
    const different = [...new Set(workflows)];
    const states = await Promise.all(different.map((workflow) => this.states.read(workflow)));
    const cancelled = new Set(different.filter((_, index) => states[index]!.cancelled));
    return workflows.map((workflow) => cancelled.has(workflow));
  }

  async cancel(workflow: string, ttl: number): Promise<void> {
    await this.states.change(workflow, { ttl }, (before) => ({ ...before, cancelled: true }));
  }

  async read(workflow: string): Promise<StoredWorkflow | undefined> {
    const [{ begunAt, cancelled = false }, recorded] = await Promise.all([
      this.states.read(workflow),
      this.steps.read(workflow),
    ]);
    const isKnown = begunAt !== undefined || cancelled || recorded.steps.size > 0;
    return isKnown ? { begunAt, cancelled, ...recorded } : undefined;
  }
}
