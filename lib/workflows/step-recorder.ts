import { asError } from '../core/errors/error-record.js';
import { Backoff } from '../core/backoff.js';
import type { Clock, TimerHandle } from '../core/clock.js';
import { ClosedError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { WorkflowStore, FinishedStep } from '../ports/workflow-store.js';

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;

/** Most steps that wait for another try. Further ones are not recorded. */
const MOST = 5000;

export interface StepRecorderOptions {
  readonly store: WorkflowStore | undefined;
  /** How long the state of a workflow is kept, in milliseconds. */
  readonly ttl: number;
  readonly clock: Clock;
  readonly events: EventBus;
}

/**
 * Records steps. Settlements go on where recording fails. Failed records are tried again until
 * `stop`. A caller gives each step once.
 */
export class StepRecorder {
  private refused: FinishedStep[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private timer: TimerHandle | undefined;
  private readonly backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT);
  private stopped = false;

  constructor(private readonly options: StepRecorderOptions) {}

  /** @returns resolves after the first try, however it ends. Undefined: nothing is recorded */
  record(steps: readonly FinishedStep[]): Promise<void> | undefined {
    const { store } = this.options;
    if (!store || steps.length === 0) return undefined;
    const recording = this.bring(store, steps).finally(() => this.underWay.delete(recording));
    this.underWay.add(recording);
    return recording;
  }

  /**
   * Call it when nothing is settled any more. Tries failed records once more, and reports those
   * that are lost.
   */
  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer !== undefined) this.options.clock.clearTimeout(this.timer);
    await Promise.all(this.underWay);
    await this.record(this.refused.splice(0));
    await Promise.all(this.underWay);
    const lost = this.refused.splice(0).length;
    if (lost === 0) return;
    this.options.events.emit('warning', {
      code: 'STEPS_NOT_RECORDED',
      message: `${lost} steps could not be recorded before this process ended: their workflows look as if these were still to come. The event worker-error has said why.`,
    });
  }

  private async bring(store: WorkflowStore, steps: readonly FinishedStep[]): Promise<void> {
    const results = await store
      .record(steps, this.options.ttl)
      .catch((error: unknown) => steps.map(() => asError(error)));
    const failed = results.find((result) => result instanceof Error);
    if (failed) {
      this.keep(
        failed,
        steps.filter((_, index) => results[index] instanceof Error),
      );
    } else if (this.timer === undefined) this.backoff.reset();
  }

  private keep(error: Error, steps: readonly FinishedStep[]): void {
    if (error instanceof ClosedError) return;
    this.options.events.emit('worker-error', { worker: 'workflow-recorder', error });
    this.refused.push(...steps.slice(0, MOST - this.refused.length));
    if (this.timer !== undefined || this.stopped) return;
    this.timer = this.options.clock.setTimeout(() => {
      this.timer = undefined;
      void this.record(this.refused.splice(0));
    }, this.backoff.next());
  }
}
