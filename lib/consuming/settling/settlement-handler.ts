import { disown, type Delivery } from '../../core/delivery.js';
import { isLost, isRunning, move } from '../../core/delivery-state.js';
import type { EventBus } from '../../core/event-bus.js';
import type { ExtendOutcome, Hold, Lease } from '../../core/lease.js';
import {
  postpone,
  release,
  taken,
  trimmed,
  type HandedOver,
  type Leave,
  type Lost,
  type Settlement,
} from '../../core/settlement.js';
import { NextRuns, type NextRunsOptions } from '../running/next-runs.js';
import { FailurePolicy } from './failure-policy.js';
import { FollowUp, type FollowUpOptions } from './follow-up.js';
import { Settler } from './settler.js';
import { storeElsewhere, type ElsewhereOptions } from './store-elsewhere.js';

export interface SettlementHandlerOptions
  extends
    ElsewhereOptions,
    Omit<FollowUpOptions, 'nextRuns'>,
    Pick<NextRunsOptions, 'dispatcher' | 'overruns' | 'isHalted' | 'handOn'> {
  readonly events: EventBus;
  readonly isUnrecoverable: (error: unknown) => boolean;
  /** Told of what no handler here takes. */
  readonly onUnhandled: (delivery: Delivery) => void;
  /** Told when something has ended, so that there may be room. */
  readonly onProgress: () => void;
}

/**
 * What becomes of deliveries. A settlement takes four steps:
 *
 * 1. decide: `failure-policy.ts` makes a settlement of what a run has come to, of an error for example
 * 2. store elsewhere: `store-elsewhere.ts` writes to other stores what belongs there
 * 3. settle: `settler.ts` brings settlements to the source, many at a time, and again where that fails
 * 4. follow up: `follow-up.ts` parks a retry, forgets what is done, and tells of it
 */
export class SettlementHandler {
  readonly nextRuns: NextRuns;
  readonly failurePolicy: FailurePolicy;
  readonly settler: Settler;
  private readonly followUp: FollowUp;

  constructor(private readonly options: SettlementHandlerOptions) {
    const { heldLease, subscription, onProgress } = options;
    this.nextRuns = new NextRuns({
      ...options,
      exclusive: heldLease !== undefined,
      begin: (delivery) => subscription().begin(delivery.lease),
      settle: (delivery, settlement) => this.settleFirst(delivery, settlement),
      letGo: (delivery) => this.letGo(delivery),
    });
    const followUp = new FollowUp({ ...options, nextRuns: this.nextRuns });
    this.failurePolicy = new FailurePolicy(options.isUnrecoverable);
    this.settler = new Settler({
      ...options,
      settle: storeElsewhere(options, (leases) => this.holds(leases)),
      onSettled: followUp.settled,
      onProgress,
    });
    this.followUp = followUp;
  }

  /** Steps 2 to 4. What the source need not hear of goes straight to step 4. */
  settle(delivery: Delivery, settlement: Settlement, onConcluded?: () => void): void {
    const { kind } = settlement;
    if (kind === 'unhandled') {
      move(delivery, 'buffered');
      this.options.onUnhandled(delivery);
    } else if (
      kind === 'lost' ||
      kind === 'handed-over' ||
      (kind === 'leave' && isLeftUnrun(delivery))
    ) {
      this.followUpOnly(delivery, settlement);
    } else if (move(delivery, 'settling')) {
      if (kind === 'ack') delivery.forgetContent();
      this.settler.add(delivery, settlement, onConcluded);
      // A second settlement is dropped: of a run that was given up, for example.
    } else onConcluded?.();
  }

  /** Resolves when the outcome is known. */
  settleFirst(delivery: Delivery, settlement: Settlement): Promise<void> {
    return new Promise((resolve) => {
      this.settle(delivery, settlement, resolve);
      const { kind } = settlement;
      if (kind === 'lost' || kind === 'unhandled' || (kind === 'leave' && isLeftUnrun(delivery)))
        resolve();
    });
  }

  /** Waits, uncounted, and is looked at again. */
  postpone(delivery: Delivery, delay: number): void {
    // What is counted is taken back by the source. What is not waits here.
    if (delivery.lease.charged) return this.settle(delivery, postpone(delay));
    this.nextRuns.park(delivery, delay);
    this.options.onProgress();
  }

  /** Gives it back. */
  letGo(delivery: Delivery): void {
    this.settle(delivery, isLost(delivery) ? taken : release);
  }

  /** The heartbeat found that the entry is not ours any more. */
  lose(delivery: Delivery, outcome: Exclude<ExtendOutcome, 'held'>): void {
    // The answer to its settlement says so, too.
    if (delivery.state === 'settling') return;
    // Without its data no consumer can run it again: its run may end here and publish its next step.
    if (outcome !== 'lost' && isRunning(delivery)) return;
    disown(delivery);
    if (outcome === 'lost') this.options.heldLease?.lost();
    if (!this.nextRuns.remove(delivery)) return;
    // What waited for another consumer, and is gone, has reached one: the answer was lost on its way.
    const isTaken = outcome === 'lost' || (outcome === 'gone' && delivery.unhandled !== undefined);
    this.settle(delivery, isTaken ? taken : trimmed);
  }

  /** The entry was acknowledged by its id: it need not run, unless it runs already. */
  acknowledged(delivery: Delivery): void {
    if (isRunning(delivery) || !move(delivery, 'lost')) return;
    if (this.nextRuns.remove(delivery)) this.settle(delivery, taken);
  }

  private followUpOnly(delivery: Delivery, settlement: Lost | HandedOver | Leave): void {
    const { followUp } = this;
    // What is being settled has its own outcome.
    if (delivery.state === 'settling') return;
    if (settlement.kind === 'lost') followUp.lost(delivery, settlement);
    else if (settlement.kind === 'handed-over') followUp.handedOver(delivery, settlement);
    else followUp.settled(delivery, settlement, 'settled');
    this.options.onProgress();
  }

  private async holds(leases: readonly Lease[]): Promise<Map<Lease, Hold>> {
    const outcomes = await this.options.subscription().extend(leases);
    return new Map(leases.map((lease, at) => [lease, holdOf(lease, outcomes[at]!)]));
  }
}

/** Without its data no other consumer can run it, though it is not pending any more. */
function holdOf({ trimmed: noData }: Lease, outcome: ExtendOutcome): Hold {
  if (outcome === 'trimmed') return 'held';
  return outcome === 'gone' && noData ? 'held' : outcome;
}

/** Left by the policy for events that no handler takes: no run was counted that had to be taken back. */
const isLeftUnrun = ({ handler, lease }: Delivery): boolean => !(handler && lease.charged);
