import type { Clock } from '../core/clock.js';
import type { Delivery } from '../core/delivery.js';
import { endedStep } from '../core/ended-step.js';
import type { Ack } from '../core/settlement.js';
import { placeIn } from '../core/workflow-place.js';
import { traceOf } from './travelling.js';
import { reportOf } from './step-report.js';

/**
 * How a step ends that need not run, since its key was completed by another message: its branch ends
 * with it, without a result. Undefined: it is no step. Any run of the same step counts more.
 */
export function duplicateStep(delivery: Delivery, clock: Clock): Ack | undefined {
  const { handler, message, lease } = delivery;
  const place = handler!.chains ? placeIn(message.metadata) : undefined;
  if (!place) return undefined;
  const report = reportOf(delivery, place, clock, { outcome: 'duplicate', attempts: 0 });
  const joined = place.scopes.some(({ kind }) => kind === 'join');
  const arriving = joined
    ? { place, report, result: 'null', trace: traceOf(message.metadata) }
    : undefined;
  const step = endedStep(place, report, lease.redrive, { arriving });
  return { kind: 'ack', unrun: 'duplicate', step };
}
