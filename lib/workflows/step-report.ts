import type { Clock } from '../core/clock.js';
import type { Delivery } from '../core/delivery.js';
import type { StepReport } from '../core/ended-step.js';
import type { WorkflowPlace } from '../core/workflow-place.js';

/** What a report says beside whose it is. Of a step that was not run, `outcome` and `attempts`. */
type What = Pick<StepReport, 'outcome' | 'next' | 'result' | 'resultOmitted'> & {
  readonly attempts?: number;
};

/** What is recorded of a step that has ended now. What is undefined is left out of its text. */
export function reportOf(
  { lease, group, eventType, startedAt }: Delivery,
  { parent }: WorkflowPlace,
  clock: Clock,
  { outcome, attempts = lease.attempt, next, result, resultOmitted }: What,
): StepReport {
  const endedAt = clock.wallTime();
  return {
    event: eventType,
    stream: lease.stream,
    id: lease.id,
    group,
    parent,
    outcome,
    attempts,
    at: outcome ? undefined : endedAt - Math.round(clock.now() - startedAt),
    endedAt,
    next,
    result,
    resultOmitted,
  };
}
