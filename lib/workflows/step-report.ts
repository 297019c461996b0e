import type { Clock } from '../core/clock.js';
import type { Delivery } from '../core/delivery.js';
import type { StepReport } from './ended-step.js';
import type { ScopedPlace } from './workflow-place.js';

/**
 * The parts of a report that differ between steps. A step that was not run has `outcome` and
 * `attempts`.
 */
type What = Pick<StepReport, 'outcome' | 'next' | 'result' | 'resultOmitted'> & {
  readonly attempts?: number;
};

/** The record of a step that ends now. Undefined values are left out of its text. */
export function reportOf(
  { lease, group, eventType, startedAt }: Delivery,
  { parent }: ScopedPlace,
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
