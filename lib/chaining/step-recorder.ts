import { Backoff } from '../core/backoff.js';
import type { Clock } from '../core/clock.js';
import { ClosedError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/events.js';
import type { FinishedStep, WorkflowStore } from '../core/workflow-store.js';

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;

/** So many wait for another try; further ones are not recorded. */
const MOST = 5000;

export interface StepRecorderOptions {
  readonly store: WorkflowStore | undefined;
  /** How long what is known of a workflow is kept, ms. */
  readonly ttl: number;
  readonly clock: Clock;
  readonly events: EventBus;
}

/**
 * Records steps, and is not waited for: the work goes on where recording fails. What failed is tried
 * again, for as long as this process lives. What is given to it once need not be given to it again.
 */
export class StepRecorder {
  private refused: FinishedStep[] = [];
  private waiting = false;
  private readonly backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT);

  constructor(private readonly options: StepRecorderOptions) {}

  record(steps: readonly FinishedStep[]): void {
    const { store, ttl } = this.options;
    if (!store || steps.length === 0) return;
    store.record(steps, ttl).then(
      (results) => {
        const failed = results.find((result) => result instanceof Error);
        if (failed)
          this.keep(
            failed,
            steps.filter((_, index) => results[index] instanceof Error),
          );
        else if (!this.waiting) this.backoff.reset();
      },
      (error: unknown) => this.keep(error as Error, steps),
    );
  }

  private keep(error: Error, steps: readonly FinishedStep[]): void {
    if (error instanceof ClosedError) return;
    this.options.events.emit('worker-error', { worker: 'workflow-recorder', error });
    this.refused.push(...steps.slice(0, MOST - this.refused.length));
    if (this.waiting) return;
    this.waiting = true;
    this.options.clock.setTimeout(() => {
      this.waiting = false;
      this.record(this.refused.splice(0));
    }, this.backoff.next());
  }
}
