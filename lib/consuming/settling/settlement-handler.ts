import type { Delivery } from '../../core/delivery.js';
import { disown } from '../../core/disown.js';
import { errorRecord } from '../../core/errors/error-record.js';
import { isLost, isRunning, move } from '../../core/delivery-state.js';
import type { EventBus } from '../../core/event-bus.js';
import type { Instruments } from '../../core/instruments.js';
import type { ExtendOutcome, LeaseState, Lease } from '../../core/lease.js';
import {
  deadLetter,
  postpone,
  release,
  taken,
  trimmed,
  type Ack,
  type DeadLetterIt,
  type DecidedAction,
  type HandedOver,
  type Leave,
  type Lost,
  type Release,
  type Retry,
  type Settlement,
} from '../../core/settlement.js';
import { NextRuns, type NextRunsOptions } from '../running/next-runs.js';
import { RetryPolicy } from './retry-policy.js';
import { FollowUp, type FollowUpOptions } from './follow-up.js';
import { instrumented } from './instrumented-follow-up.js';
import { deadLetterRecord } from './dead-letter-record.js';
import { mayBeRefused, type Item, type Reported } from './settling-lane.js';
import { Settler } from './settler.js';
import type { ProgressRecorder } from './progress-recorder.js';
import { recorded } from './recorded-follow-up.js';
import { storeOf, storeElsewhere, type ElsewhereOptions } from './store-elsewhere.js';
import { StrategyDecider, type StrategyOptions } from './strategies/strategy-decider.js';

export interface SettlementHandlerOptions
  extends
    ElsewhereOptions,
    StrategyOptions,
    Omit<FollowUpOptions, 'nextRuns'>,
    Pick<NextRunsOptions, 'dispatcher' | 'overruns' | 'isHalted' | 'handOn'> {
  readonly events: EventBus;
  readonly isUnrecoverable: (error: unknown) => boolean;
  /** Undefined: how far the consumer has come is not recorded. */
  readonly recorder: ProgressRecorder | undefined;
  readonly instruments?: Instruments | undefined;
  /** Called with events that no handler here takes. */
  readonly onUnhandled: (delivery: Delivery) => void;
  /** Called when a run or settlement has ended, so that there may be room. */
  readonly onProgress: () => void;
}

/**
 * What becomes of deliveries. A settlement takes four steps:
 *
 * 1. decide: `retry-policy.ts` decides the settlement after a run, for example after an error; of a
 *   dead letter `strategies/strategy-decider.ts` decides what becomes of it
 * 2. store elsewhere: `store-elsewhere.ts` writes to other stores what belongs there
 * 3. settle: `settler.ts` brings settlements to the source, many at a time, and tries again where
 *   that fails
 * 4. follow up: `follow-up.ts` parks a retry, forgets settled entries, and reports the outcome
 */
export class SettlementHandler {
  readonly nextRuns: NextRuns;
  readonly retryPolicy: RetryPolicy;
  readonly settler: Settler;
  private readonly strategies: StrategyDecider;
  private readonly followUp: Pick<FollowUp, 'settled' | 'lost' | 'handedOver'>;

  constructor(private readonly options: SettlementHandlerOptions) {
    const { heldLease, source, subscription, onProgress, recorder, instruments } = options;
    this.nextRuns = new NextRuns({
      ...options,
      exclusive: heldLease !== undefined || source.capabilities.holds === 'partition',
      begin: (delivery) => subscription().begin(delivery.lease),
      settle: (delivery, settlement) => this.settleFirst(delivery, settlement),
      letGo: (delivery) => this.letGo(delivery),
    });
    const plain = new FollowUp({ ...options, nextRuns: this.nextRuns });
    const counted = recorder ? recorded(plain, recorder) : plain;
    const watch = instruments?.current;
    const followUp = watch ? instrumented(counted, watch) : counted;
    this.strategies = new StrategyDecider(options);
    this.retryPolicy = new RetryPolicy(options.isUnrecoverable);
    this.settler = new Settler({
      ...options,
      settle: storeElsewhere(options, (leases) => this.holds(leases)),
      storeOf: storeOf(options),
      unheld: options.queues ? 'queue' : 'drop',
      onSettled: followUp.settled,
      onRefused: (item, error) => this.refused(item, error),
      onProgress,
    });
    this.followUp = followUp;
  }

  /** Steps 2 to 4. A settlement that the source need not hear of goes straight to step 4. */
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
      if (kind === 'dead-letter') return this.giveUp(delivery, settlement, onConcluded);
      if (kind === 'ack' && !mayBeRefused(settlement)) delivery.forgetContent();
      if (kind === 'release' && !settlement.elsewhere)
        this.options.ordering?.givesBack(delivery).forEach((behind) => this.letGo(behind));
      this.settler.add(delivery, inPlace(delivery, settlement), onConcluded);
    } else {
      // Lost while its settlement was being decided: it is forgotten, so that it holds up nothing. Any
      // other second settlement is dropped, for example that of a run that was given up.
      if (isLost(delivery)) this.followUpOnly(delivery, taken);
      onConcluded?.();
    }
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

  /** Makes the delivery wait, uncounted, and looks at it again. */
  postpone(delivery: Delivery, delay: number): void {
    // The source takes back a run that was counted. Otherwise the delivery waits here.
    if (delivery.lease.charged) return this.settle(delivery, postpone(delay));
    this.nextRuns.park(delivery, delay);
    this.options.onProgress();
  }

  /** Gives the delivery back. */
  letGo(delivery: Delivery): void {
    this.settle(delivery, isLost(delivery) ? taken : release);
  }

  /** The heartbeat found that this consumer does not own the entry any more. */
  lose(delivery: Delivery, outcome: Exclude<ExtendOutcome, 'held'>): void {
    // The outcome of the settlement under way will say so, too.
    if (delivery.state === 'settling') return;
    // Without its data no consumer can run the entry again: its run may end here and publish its
    // next step.
    if (outcome !== 'lost' && isRunning(delivery)) return;
    disown(delivery);
    if (outcome === 'lost') this.options.heldLease?.lost();
    if (!this.nextRuns.remove(delivery)) return;
    // A delivery that waited for another consumer and is gone has reached that consumer: only the
    // reply was lost.
    const isTaken = outcome === 'lost' || (outcome === 'gone' && delivery.unhandled !== undefined);
    this.settle(delivery, isTaken ? taken : trimmed);
  }

  /** Gives up settlements that are not carried out yet, or not decided. */
  abandon(): void {
    this.settler.abandon();
    this.strategies.stop();
  }

  /** The entry was acknowledged by its id: it need not run, unless it runs already. */
  acknowledged(delivery: Delivery): void {
    // What is being settled has its own outcome. A retry finds out when it begins.
    if (isRunning(delivery) || delivery.state === 'settling') return;
    if (!move(delivery, 'lost')) return;
    if (this.nextRuns.remove(delivery)) this.settle(delivery, taken);
  }

  /** Another run would return the same messages, which can never be published, and repeat its effects. */
  private refused({ delivery, settlement, onConcluded }: Item, error: Error): void {
    if (settlement.kind === 'ack' && settlement.completes) this.options.claims?.letGo(delivery);
    this.giveUp(delivery, deadLetter('unrecoverable', errorRecord(error)), onConcluded);
  }

  /** What becomes of the message is decided by the strategy of its handler. */
  private giveUp(delivery: Delivery, settlement: DeadLetterIt, onConcluded?: () => void): void {
    const { settler, strategies } = this;
    const record = deadLetterRecord(delivery, settlement, this.options.clock.wallTime());
    const add = (action: DecidedAction): void =>
      settler.add(delivery, { ...settlement, action }, onConcluded, record);
    const action = strategies.decide(delivery, record);
    if (action instanceof Promise) settler.await(action.then(add));
    else add(action);
  }

  private followUpOnly(delivery: Delivery, settlement: Lost | HandedOver | Leave): void {
    const { followUp } = this;
    // A settlement under way has its own outcome.
    if (delivery.state === 'settling') return;
    if (settlement.kind === 'lost') followUp.lost(delivery, settlement);
    else if (settlement.kind === 'handed-over') followUp.handedOver(delivery, settlement);
    else followUp.settled(delivery, settlement, 'settled');
    this.options.onProgress();
  }

  private async holds(leases: readonly Lease[]): Promise<Map<Lease, LeaseState>> {
    const outcomes = await this.options.subscription().extend(leases);
    return new Map(leases.map((lease, at) => [lease, holdOf(lease, outcomes[at]!)]));
  }
}

/** A message keeps its place where others wait behind it, or a method of it still runs. */
function inPlace(delivery: Delivery, settlement: Ack | Retry | Release | Leave): Reported {
  if (settlement.kind !== 'retry') return settlement;
  const stays = delivery.orderKey !== undefined || delivery.overruns;
  return stays ? { ...settlement, inPlace: true } : settlement;
}

/** Without its data no other consumer can run the entry, though it is not pending any more. */
function holdOf({ trimmed: noData }: Lease, outcome: ExtendOutcome): LeaseState {
  if (outcome === 'trimmed') return 'held';
  return outcome === 'gone' && noData ? 'held' : outcome;
}

/** Left by the policy for events that no handler takes: no counted run has to be taken back. */
const isLeftUnrun = ({ handler, lease }: Delivery): boolean => !(handler && lease.charged);
