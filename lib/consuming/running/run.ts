import type { Clock } from '../../core/clock.js';
import type { Delivery, Handler } from '../../core/delivery.js';
import { isOurs } from '../../core/delivery-state.js';
import type { EventBus } from '../../core/event-bus.js';
import { RunMark } from './run-mark.js';
import { taken, type Settlement } from '../../core/settlement.js';
import type { HeldLease } from '../plan/held-lease.js';
import type { Dispatcher } from './dispatcher.js';

/** What a consumer has for its runs. */
export interface RunParts {
  readonly clock: Clock;
  readonly events: Pick<EventBus, 'listened'>;
  readonly heldLease: HeldLease | undefined;
  readonly pipeline: Handler;
  /** Decides the settlement after a run, or after an error. */
  readonly retryPolicy: {
    on(delivery: Delivery, settlement: Settlement): Settlement;
    onError(delivery: Delivery, error: unknown): Settlement;
  };
  readonly settlementHandler: {
    settle(delivery: Delivery, settlement: Settlement): void;
    /** Resolves when the outcome is known. */
    settleFirst(delivery: Delivery, settlement: Settlement): Promise<void>;
  };
  readonly dispatcher: Dispatcher;
  readonly overran: (delivery: Delivery) => void;
}

type Run = (parts: RunParts, delivery: Delivery) => Promise<void>;

/**
 * Functions without a run now. Each has a name of its own, so there are as many as run at a time.
 */
const idle: Run[] = [];

/** Runs a delivery, and settles it. */
export function run(parts: RunParts, delivery: Delivery): void {
  void (idle.pop() ?? newRun())(parts, delivery);
}

function newRun(): Run {
  const mark = new RunMark();
  const own: Run = mark.named(async (parts, delivery): Promise<void> => {
    const { heldLease, retryPolicy, settlementHandler } = parts;
    delivery.startedAt = delivery.heldFrom = parts.clock.now();
    delivery.onOverrun = parts.overran;
    if (heldLease?.holds() === false) heldLease.lost();
    let settlement: Settlement = taken;
    mark.runs = delivery;
    try {
      if (isOurs(delivery)) settlement = retryPolicy.on(delivery, await parts.pipeline(delivery));
    } catch (error) {
      settlement = retryPolicy.onError(delivery, error);
    }
    mark.runs = undefined;
    // Nearly always there is nothing to tell of an acknowledgement.
    if (settlement.kind !== 'ack' || parts.events.listened.has('settled'))
      delivery.handlerTime = Math.round((parts.clock.now() - delivery.startedAt) * 1000);
    if (!isOurs(delivery)) settlement = taken;
    // The next suspect may kill the process, so the outcome of this one has to be known before.
    if (delivery.suspect) await settlementHandler.settleFirst(delivery, settlement);
    else settlementHandler.settle(delivery, settlement);
    if (delivery.overrun && delivery.overruns) await delivery.overrun!.ended;
    idle.push(own);
    parts.dispatcher.ended(delivery);
  });
  return own;
}
