import type { Delivery } from '../core/delivery.js';
import type { EventBus } from '../core/event-bus.js';
import type { Settling } from '../ports/source.js';
import type { FinishedStep, WorkflowStore } from '../ports/workflow-store.js';
import { stateOf, type WorkflowState } from './workflows.js';

/** Most workflows that are remembered as ended. */
const REMEMBERED = 1000;

/**
 * Raises `workflow-begun` for messages that become the first step of a workflow, and `workflow-ended`.
 * The store is asked only where anything listens, after a step that nothing follows.
 */
export class WorkflowReport {
  /** Ids of workflows whose end was reported: a step of a failure hook may end after it. */
  private readonly ended = new Set<string>();

  constructor(
    private readonly options: {
      readonly events: EventBus;
      readonly store: WorkflowStore | undefined;
    },
  ) {}

  /** Call it when a step was settled. */
  settled(step: FinishedStep, settling: Settling & { readonly delivery?: Delivery }): void {
    const { events, store } = this.options;
    const { settlement, delivery } = settling;
    const follows = settlement.kind === 'ack' && (settlement.publish?.length ?? 0) > 0;
    if (follows) {
      if (delivery && delivery.workflow === undefined) this.begun(step, delivery);
    } else if (store && events.listened.has('workflow-ended')) void this.look(step.workflow, store);
  }

  private begun({ workflow }: FinishedStep, { eventType, stream }: Delivery): void {
    this.options.events.emit('workflow-begun', { workflow, eventType, stream });
  }

  /** Never rejects: the end is not reported where the store cannot be read. */
  private async look(workflow: string, store: WorkflowStore): Promise<void> {
    const stored = await store.read(workflow).catch(() => undefined);
    const state = stored && stateOf(workflow, stored);
    if (!state || state.endedAt === undefined || this.ended.has(workflow)) return;
    if (this.ended.size >= REMEMBERED) this.ended.clear();
    this.ended.add(workflow);
    this.options.events.emit('workflow-ended', {
      workflow,
      status: state.status as Exclude<WorkflowState['status'], 'running'>,
      steps: state.steps.length,
      duration: durationOf(state),
    });
  }
}

const durationOf = ({ startedAt, endedAt }: WorkflowState): number | undefined =>
  startedAt === undefined ? undefined : Date.parse(endedAt!) - Date.parse(startedAt);
