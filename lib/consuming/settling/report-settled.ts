import type { Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import type { SettledEvent, SettledOutcome } from '../../core/run-events.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Ack, DeadLetterIt, Settlement, SettleOutcome } from '../../core/settlement.js';

/** Emits the event of a settlement. The event is built only where there are listeners. */
export function reportSettled(
  events: EventBus,
  clock: Clock,
  delivery: Delivery,
  settlement: Settlement,
  outcome: SettleOutcome,
): void {
  const isDeadLetter = settlement.kind === 'dead-letter' && outcome === 'settled';
  const hasFailed = (outcome === 'settled' || outcome === 'moved') && isFailedRun(settlement);
  if (!isDeadLetter && !hasFailed && !events.listened.has('settled')) return;
  const { lease, handler } = delivery;
  const event: SettledEvent = {
    stream: lease.stream,
    group: delivery.group,
    id: lease.id,
    consumer: delivery.consumer,
    eventType: delivery.eventType,
    handler: handler?.name,
    outcome: outcomeOf(settlement, outcome),
    attempt: runsOf(delivery, settlement),
    duration: delivery.startedAt === 0 ? 0 : clock.now() - delivery.startedAt,
    publishedAt: lease.publishedAt,
    wait: waitOf(delivery, clock),
    handlerTime: delivery.handlerTime,
    messages: delivery.messages,
    workflow: delivery.workflow?.id,
    reason: settlement.kind === 'dead-letter' ? settlement.reason : undefined,
    delay: settlement.kind === 'retry' ? settlement.delay : undefined,
    error: 'error' in settlement ? settlement.error : undefined,
    ...forwardedTo(settlement),
    ...(settlement.kind === 'handed-over' && { receiver: settlement.receiver }),
  };
  events.emit('settled', event);
  if (isDeadLetter) events.emit('dead-lettered', event);
  if (hasFailed) events.emit('run-failed', event);
}

/** Returns for how long the run has waited to begin, in milliseconds, without an intended delay. */
function waitOf({ startedAt, waitsFrom, lease }: Delivery, clock: Clock): number {
  if (startedAt === 0) return 0;
  if (waitsFrom > 0) return Math.max(0, startedAt - waitsFrom);
  // The time of publication is that of the server, so the clocks of two machines are compared.
  return Math.max(0, clock.wallTime() - (clock.now() - startedAt) - lease.publishedAt);
}

/**
 * A run that the read has counted and that never began is taken back where the entry goes to other
 * consumers.
 */
function runsOf({ lease, startedAt }: Delivery, { kind }: Settlement): number {
  const takenBack = kind === 'handed-over' || (kind === 'release' && startedAt === 0);
  return takenBack && lease.charged ? lease.attempt - 1 : lease.attempt;
}

/**
 * A run that was postponed, or for which the handler itself asked for another run, has not failed.
 */
const isFailedRun = (settlement: Settlement): boolean =>
  settlement.kind === 'retry' &&
  settlement.error !== undefined &&
  !settlement.uncharged &&
  !settlement.asked;

function outcomeOf(settlement: Settlement, outcome: SettleOutcome): SettledOutcome {
  if (settlement.kind === 'lost') return settlement.why === 'trimmed' ? 'trimmed' : 'lost';
  // Another consumer owns the entry, or has settled it.
  if (outcome !== 'settled' && outcome !== 'moved') return 'lost';
  switch (settlement.kind) {
    case 'ack':
      return settlement.filtered ? 'filtered' : (settlement.unrun ?? outcomeOfRun(settlement));
    case 'retry':
      return settlement.uncharged ? 'postponed' : 'retried';
    case 'dead-letter':
      return outcomeOfAction(settlement);
    case 'release':
      return 'released';
    case 'leave':
      return 'left';
    case 'handed-over':
    case 'unhandled':
      return 'handed-over';
  }
}

function outcomeOfAction({ action = 'queue' }: DeadLetterIt): SettledOutcome {
  if (typeof action === 'object') return 'forwarded';
  return action === 'drop' ? 'dropped' : action === 'hold' ? 'held' : 'dead-lettered';
}

function forwardedTo(settlement: Settlement): Pick<SettledEvent, 'forwardedTo'> | undefined {
  if (settlement.kind !== 'dead-letter' || typeof settlement.action !== 'object') return undefined;
  return { forwardedTo: settlement.action.forward.stream };
}

const outcomeOfRun = ({ error }: Ack): SettledOutcome => (error ? 'failed' : 'handled');
