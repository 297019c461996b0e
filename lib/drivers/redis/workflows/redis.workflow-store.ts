import type { Redis } from 'ioredis';
import { chunksOf } from '../../../core/collections/chunks.js';
import { grouped } from '../../../core/collections/grouped.js';
import type {
  Arrival,
  StoredWorkflow,
  WorkflowStore,
  FinishedStep,
} from '../../../ports/workflow-store.js';
import { slotOf } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { arrive } from './arrive.script.js';
import { findCancelled } from './find-cancelled.script.js';
import { keepWorkflow } from './keep-workflow.script.js';
import { markWorkflow } from './mark-workflow.script.js';
import { recordSteps } from './record-steps.script.js';
import { BEGUN, CANCELLED } from './workflow-state.js';

/** Maximum of steps in one script, so that it never blocks the server for long. */
const AT_ONCE = 200;

/**
 * Stores the steps of each workflow as a text, and its joins and state as hashes where they are
 * needed.
 */
export class RedisWorkflowStore implements WorkflowStore {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async begin(workflow: string, at: number, ttl: number): Promise<void> {
    const state = this.keys.workflowState(workflow);
    const begun = { state, field: BEGUN, value: at, ttl };
    await this.commands.run('starting a workflow', (client) => markWorkflow(client, begun), state);
  }

  async keep(workflow: string, ms: number): Promise<void> {
    const keys = {
      steps: this.keys.workflowSteps(workflow),
      joins: this.keys.workflowJoins(workflow),
      state: this.keys.workflowState(workflow),
    };
    const keep = (client: Redis) => keepWorkflow(client, { keys, ms });
    await this.commands.run('keeping a workflow', keep, keys.state);
  }

  async record(steps: readonly FinishedStep[], ttl: number): Promise<(undefined | Error)[]> {
    const results = new Array<undefined | Error>(steps.length);
    const keyOf = (workflow: string): string => this.keys.workflowSteps(workflow);
    await this.inPlaces(
      steps.map(({ workflow }) => workflow),
      async (indexes, key) => {
        const some = indexes.map((index) => steps[index]!);
        try {
          await this.commands.run(
            'recording steps',
            (client) => recordSteps(client, { steps: some, keyOf, ttl }),
            key,
          );
        } catch (error) {
          for (const index of indexes) results[index] = error as Error;
        }
      },
    );
    return results;
  }

  arrive(arrival: Arrival, ttl: number): Promise<readonly string[] | undefined> {
    const joins = this.keys.workflowJoins(arrival.workflow);
    const join = (client: Redis) => arrive(client, { joins, arrival, ttl });
    return this.commands.run('joining steps', join, joins);
  }

  async areCancelled(workflows: readonly string[]): Promise<boolean[]> {
    const results = new Array<boolean>(workflows.length);
    await this.inPlaces(workflows, async (indexes, key) => {
      const some = indexes.map((index) => this.keys.workflowState(workflows[index]!));
      const found = await this.commands.run(
        'looking for cancelled workflows',
        (client) => findCancelled(client, some),
        key,
      );
      for (const [at, index] of indexes.entries()) results[index] = found[at] === 'cancelled';
    });
    return results;
  }

  async cancel(workflow: string, ttl: number): Promise<void> {
    const state = this.keys.workflowState(workflow);
    const cancelled = { state, field: CANCELLED, value: 1, ttl };
    const mark = (client: Redis) => markWorkflow(client, cancelled);
    await this.commands.run('cancelling a workflow', mark, state);
  }

  async read(workflow: string): Promise<StoredWorkflow | undefined> {
    const steps = this.keys.workflowSteps(workflow);
    const state = this.keys.workflowState(workflow);
    const [text, fields] = await this.commands.run(
      'reading a workflow',
      (client) => Promise.all([client.get(steps), client.hmget(state, BEGUN, CANCELLED)]),
      state,
    );
    const [begun, cancelled] = fields;
    if (text === null && !begun && !cancelled) return undefined;
    return {
      begunAt: begun ? Number(begun) : undefined,
      cancelled: cancelled !== null,
      ...whatIsRecorded(text ?? ''),
    };
  }

  /**
   * Groups what one script may touch: any keys on one server, the keys of one slot on a cluster.
   */
  private async inPlaces(
    workflows: readonly string[],
    run: (indexes: readonly number[], key: string) => Promise<void>,
  ): Promise<void> {
    const indexes = [...workflows.keys()];
    const keyOf = (index: number): string => this.keys.workflowState(workflows[index]!);
    const places = this.commands.topology
      ? [...grouped(indexes, (index) => slotOf(keyOf(index))).values()]
      : [indexes];
    const parts = places.flatMap((place) => chunksOf(place, AT_ONCE));
    await Promise.all(parts.map((part) => run(part, keyOf(part[0]!))));
  }
}

/**
 * Where a step was recorded several times, the latest run counts, and the last record of that run.
 */
function whatIsRecorded(text: string): Pick<StoredWorkflow, 'failed' | 'steps'> {
  const latest = new Map<string, { run: number; failed: boolean; record: string }>();
  const heads = /\n?(\S+) (\d+) (\d) (\d+) /y;
  for (let head = heads.exec(text); head; head = heads.exec(text)) {
    const [, place = '', run, failed, length] = head;
    const record = text.slice(heads.lastIndex, (heads.lastIndex += Number(length)));
    if (Number(run) < (latest.get(place)?.run ?? 0)) continue;
    latest.set(place, { run: Number(run), failed: failed === '1', record });
  }
  return {
    failed: [...latest.values()].filter((one) => one.failed).length,
    steps: new Map([...latest].map(([place, { record }]) => [place, record])),
  };
}
