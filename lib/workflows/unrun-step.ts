import type { Clock } from '../core/clock.js';
import type { Delivery } from '../core/delivery.js';
import { endedStep, type EndedStep, type StepReport } from './ended-step.js';
import { filtered, type Ack } from '../core/settlement.js';
import { placeIn } from './workflow-place.js';
import { traceOf } from './step-metadata.js';
import { reportOf } from './step-report.js';

/**
 * How a step ends whose key another message has completed: it does not run, and its branch ends
 * without a result. Where the same step has run, the result of that run counts instead. Undefined:
 * the message is no step.
 */
export function duplicateStep(delivery: Delivery, clock: Clock): Ack | undefined {
  const step = stepWithoutResult(delivery, clock, { outcome: 'duplicate', attempts: 0 });
  return step && { kind: 'ack', unrun: 'duplicate', step };
}

/**
 * How a step ends that the handler's `filter` refuses: it does not run, and its branch ends without a
 * result. Undefined: the message is no step.
 */
export function filteredStep(delivery: Delivery, clock: Clock): Ack | undefined {
  const step = stepWithoutResult(delivery, clock, { outcome: 'filtered' });
  return step && { ...filtered, step };
}

function stepWithoutResult(
  delivery: Delivery,
  clock: Clock,
  what: Pick<StepReport, 'outcome'> & { readonly attempts?: number },
): EndedStep | undefined {
  const { handler, message, lease } = delivery;
  const place = handler!.chains ? placeIn(message.metadata) : undefined;
  if (!place) return undefined;
  const report = reportOf(delivery, place, clock, what);
  const joined = place.scopes.some(({ kind }) => kind === 'join');
  const arriving = joined
    ? { place, report, result: 'null', trace: traceOf(message.metadata) }
    : undefined;
  return endedStep(place, report, lease.redrive, { arriving });
}
