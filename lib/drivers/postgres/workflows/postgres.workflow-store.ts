import { keyPart } from '../../../core/completion.js';
import type {
  Arrival,
  FinishedStep,
  StoredWorkflow,
  WorkflowStore,
} from '../../../ports/workflow-store.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import type { Statements } from '../connection/statements.js';
import { fromStored, toStored } from '../sql/exact-text.js';
import { keyText } from '../sql/key-text.js';

/** Most steps of one statement. */
const AT_ONCE = 500;

interface StepRow {
  readonly begun_at: string | null;
  readonly cancelled: boolean;
  readonly step: string | null;
  readonly failed: boolean;
  readonly record: string;
}

/** Keeps workflows, their steps and their joins in one row each. */
export class PostgresWorkflowStore implements WorkflowStore {
  constructor(
    private readonly database: Statements,
    private readonly keyPrefix: string,
  ) {}

  begin(workflow: string, at: number, ttl: number): Promise<void> {
    return this.mark('starting a workflow', workflow, ttl, { begun: at });
  }

  keep(workflow: string, ms: number): Promise<void> {
    return this.mark('keeping a workflow', workflow, ms);
  }

  async record(steps: readonly FinishedStep[], ttl: number): Promise<(undefined | Error)[]> {
    const results = new Array<undefined | Error>(steps.length);
    const named = steps.map((step, place) => ({
      ...step,
      place,
      name: this.nameOf(step.workflow),
    }));
    for (const some of chunksOf(named, AT_ONCE)) {
      try {
        await this.recordSome(latestOf(some), ttl);
      } catch (error) {
        for (const { place } of some) results[place] = error as Error;
      }
    }
    return results;
  }

  /** Two statements: of those that end at the same moment, the second one of one sees all. */
  async arrive(arrival: Arrival, ttl: number): Promise<readonly string[] | undefined> {
    const { workflow, at, index, of, token, result, duplicate = false } = arrival;
    const fanOut = toStored(at);
    const bringing = toStored(token);
    const stored = await this.database.query<{ flow: string | null }>(
      'joining steps',
      'select {schema}.store_branch($1, $2, $3, $4, $5, $6, $7) as flow',
      [this.nameOf(workflow), fanOut, index, bringing, toStored(result), duplicate, ttl],
    );
    const flow = stored.rows[0]!.flow;
    if (flow === null) return undefined;
    const joined = await this.database.query<{ results: string[] | null }>(
      'joining steps',
      'select {schema}.join_branches($1, $2, $3, $4) as results',
      [flow, fanOut, of, bringing],
    );
    return joined.rows[0]!.results?.map(fromStored);
  }

  async areCancelled(workflows: readonly string[]): Promise<boolean[]> {
    const names = workflows.map((workflow) => this.nameOf(workflow));
    const { rows } = await this.database.query<{ key: string }>(
      'looking for cancelled workflows',
      `select key from {schema}.workflow
      where key = any ($1) and cancelled and expires_at > statement_timestamp()`,
      [names],
    );
    const cancelled = new Set(rows.map(({ key }) => key));
    return names.map((name) => cancelled.has(name));
  }

  cancel(workflow: string, ttl: number): Promise<void> {
    return this.mark('cancelling a workflow', workflow, ttl, { cancels: true });
  }

  async read(workflow: string): Promise<StoredWorkflow | undefined> {
    const { rows } = await this.database.query<StepRow>(
      'reading a workflow',
      `select w.begun_at, w.cancelled, s.step, s.failed, s.record from {schema}.workflow w
      left join {schema}.workflow_step s on s.workflow = w.id
      where w.key = $1 and w.expires_at > statement_timestamp()`,
      [this.nameOf(workflow)],
    );
    const first = rows[0];
    if (!first) return undefined;
    const steps = rows.filter(({ step }) => step !== null);
    return {
      begunAt: first.begun_at === null ? undefined : Number(first.begun_at),
      cancelled: first.cancelled,
      failed: steps.filter(({ failed }) => failed).length,
      steps: new Map(steps.map(({ step, record }) => [fromStored(step!), fromStored(record)])),
    };
  }

  private async mark(
    action: string,
    workflow: string,
    ttl: number,
    { begun, cancels = false }: { readonly begun?: number; readonly cancels?: boolean } = {},
  ): Promise<void> {
    await this.database.query(action, 'select {schema}.mark_workflow($1, $2, $3, $4)', [
      this.nameOf(workflow),
      ttl,
      begun === undefined ? undefined : Math.floor(begun),
      cancels,
    ]);
  }

  private async recordSome(steps: readonly NamedStep[], ttl: number): Promise<void> {
    await this.database.query(
      'recording steps',
      'select {schema}.record_steps($1, $2, $3, $4, $5, $6)',
      [
        steps.map(({ name }) => name),
        steps.map(({ step }) => toStored(step)),
        steps.map(({ run }) => run),
        steps.map(({ failed }) => failed),
        steps.map(({ record }) => toStored(record)),
        ttl,
      ],
    );
  }

  private nameOf(workflow: string): string {
    return keyText(`${keyPart(this.keyPrefix)}:${workflow}`);
  }
}

interface NamedStep extends FinishedStep {
  readonly name: string;
}

/** One record of each step: that of its latest run, and the last one of that run. */
function latestOf(steps: readonly NamedStep[]): NamedStep[] {
  const latest = new Map<string, NamedStep>();
  for (const one of steps) {
    const identity = JSON.stringify([one.name, one.step]);
    const known = latest.get(identity);
    if (!known || one.run >= known.run) latest.set(identity, one);
  }
  return [...latest.values()];
}
