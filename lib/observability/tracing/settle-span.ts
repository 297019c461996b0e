import { systemClock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import type { Settlement, SettleOutcome } from '../../core/settlement.js';
import { ATTRIBUTE, OPERATION, OWN_ATTRIBUTE } from '../conventions/messaging.js';
import { failedAs } from './failure.js';
import { contextIn } from './message-context.js';
import { attributesOf, destinationOf, messageAttributes, type RunSpan } from './run-span.js';
import type { TracingParts } from './tracing-parts.js';

/** What became of a message, and how it became known. */
export interface Settled {
  readonly delivery: Delivery;
  readonly settlement: Settlement;
  readonly outcome: SettleOutcome;
  /** Undefined: the message did not run. */
  readonly run: RunSpan | undefined;
}

/**
 * Records the span of a settlement, from the end of the run until its outcome is known. Of messages
 * without a run only those that were given up have one.
 */
export function recordSettlement(parts: TracingParts, settled: Settled): void {
  const { delivery, settlement, outcome, run } = settled;
  const { kind } = settlement;
  const startTime = run?.endedAt;
  if (run ? !run.isSampled : kind !== 'dead-letter') return;
  const { api, tracer } = parts;
  const span = tracer?.startSpan(
    `${kind} ${destinationOf(delivery)}`,
    {
      kind: api.SpanKind.CLIENT,
      ...(startTime !== undefined && { startTime }),
      attributes: {
        ...parts.common,
        ...attributesOf(delivery),
        ...messageAttributes(delivery),
        [ATTRIBUTE.operationName]: kind,
        [ATTRIBUTE.operationType]: OPERATION.settle,
        ...(kind === 'dead-letter' && { [OWN_ATTRIBUTE.reason]: settlement.reason }),
      },
    },
    run?.context ?? contextIn(api, delivery.message?.metadata ?? {}),
  );
  if (!span) return;
  const isDone = outcome === 'settled' || outcome === 'moved';
  if (!isDone) failedAs(api, span, outcome);
  span.end(run && systemClock.now());
}
