import { withPatience, within, type Clock } from '../core/clock.js';
import { graceOf } from './grace-period.js';
import type { Delivery } from '../core/delivery.js';
import { isRunning } from '../core/delivery-state.js';
import type { ConsumerOptions } from './consumer-options.js';
import type { ConsumerWorkings } from './consumer-parts.js';
import type { EventBus } from '../core/event-bus.js';
import { ShutdownError } from '../core/errors/handling.errors.js';
import type { Subscription } from '../ports/subscription.js';
import type { ProgressRecorder } from './settling/progress-recorder.js';
import type { SettlementHandler } from './settling/settlement-handler.js';
import type { Claims } from './dedupe/claims.js';
import type { Collectors } from './batching/collectors.js';
import type { Dispatcher } from './running/dispatcher.js';
import type { Heartbeat } from './reading/heartbeat.js';
import type { HeldDeliveries } from './running/held-deliveries.js';
import type { HandOver } from './live-consumers/hand-over.js';
import type { PullLoop } from './reading/pull-loop.js';
import type { Ordering } from './ordering/ordering.js';
import { awaitsEnd } from './running/close-within-run.js';
import { tellAwaited, tellGivenUp } from './running/unended-runs.js';

/** Longest time that a shutdown tries to settle the last deliveries, in milliseconds. */
const LAST_SETTLEMENTS = 4000;

/** The deliveries that run, and what is needed to give them back in the end. */
export interface Runs {
  readonly clock: Clock;
  readonly gracePeriod: number;
  readonly events: EventBus;
  readonly group: string;
  readonly held: HeldDeliveries;
  /** Settles the delivery as released. */
  readonly letGo: (delivery: Delivery) => void;
  /** Removes and returns deliveries that still wait for a method that has not ended. */
  readonly takeOverdue: (wanted: (delivery: Delivery) => boolean) => readonly Delivery[];
}

/** The runs of a consumer. */
export function runsOf(
  { clock, gracePeriod, events, plan }: ConsumerOptions,
  { held, settlementHandler }: ConsumerWorkings,
): Runs {
  const letGo = (delivery: Delivery): void => settlementHandler.letGo(delivery);
  const takeOverdue: Runs['takeOverdue'] = (wanted) =>
    settlementHandler.nextRuns.overdue.takeAll(wanted);
  return { clock, gracePeriod, events, group: plan.group, held, letGo, takeOverdue };
}

/** The parts of a consumer that end one after the other. */
export interface Draining extends Runs {
  readonly dispatcher: Dispatcher;
  readonly pullLoop: PullLoop;
  readonly ordering: Ordering | undefined;
  readonly settlementHandler: SettlementHandler;
  readonly heartbeat: Heartbeat;
  readonly claims: Claims | undefined;
  readonly collectors: Collectors | undefined;
  readonly recorder: ProgressRecorder | undefined;
  readonly subscription: Subscription;
  readonly handOver: HandOver | undefined;
  /** Called when deliveries that have not started are given back, and none starts any more. */
  readonly onStop: () => void;
}

/**
 * Stops reading, releases deliveries that have not started, awaits running ones, settles, closes.
 */
export async function drain(consumer: Draining): Promise<void> {
  const { clock, dispatcher, pullLoop, settlementHandler, ordering, letGo, handOver } = consumer;
  const { settler } = settlementHandler;
  const [grace, left] = [graceOf(consumer.gracePeriod), timeLeft(clock)];
  if (consumer.subscription.drain) await runArrived(consumer, left(grace.runs));
  consumer.onStop();
  const unstarted = dispatcher.stop();
  consumer.collectors?.stop();
  await pullLoop.stop();
  unstarted.push(
    ...dispatcher.stop(),
    ...settlementHandler.nextRuns.take(),
    ...(ordering?.take() ?? []),
  );
  unstarted.push(...(handOver?.take(() => true) ?? []));
  for (const delivery of unstarted) letGo(delivery);
  await endRuns(consumer, left, () => true, dispatcher.idle());
  consumer.takeOverdue(() => true).forEach(letGo);
  // Functions of the application may have to decide on dead letters.
  await withPatience(
    clock,
    Math.min(left(grace.settled), LAST_SETTLEMENTS),
    Promise.all([handOver?.idle(), settler.idle()]),
  );
  settlementHandler.abandon();
  await consumer.recorder?.stop();
  await consumer.claims?.stop();
  await consumer.heartbeat.stop();
  await consumer.subscription.close();
}

/**
 * For a source that loses what has not run: lets all messages that have arrived run to their end, retries
 * included.
 * @param atMost in milliseconds
 */
async function runArrived(
  consumer: Runs & Pick<Draining, 'subscription'>,
  atMost: number,
): Promise<void> {
  const { clock, held, subscription } = consumer;
  const awaited = tellAwaited(consumer, isRunning, atMost);
  const ended = async (): Promise<void> => {
    await subscription.drain?.();
    await held.untilNone((delivery) => !awaitsEnd(delivery));
  };
  await withPatience(clock, atMost, ended());
  awaited();
}

export interface DrainingSome extends Runs {
  /** Selects the deliveries that end. None of them starts any more. */
  readonly of: (delivery: Delivery) => boolean;
}

/** Awaits some running deliveries and their settlement, while the others go on. */
export async function drainSome(some: DrainingSome): Promise<void> {
  const { clock, gracePeriod, held, of } = some;
  const [grace, left] = [graceOf(gracePeriod), timeLeft(clock)];
  const ended = held.untilNone((delivery) => of(delivery) && isRunning(delivery));
  await endRuns(some, left, of, ended);
  some.takeOverdue(of).forEach(some.letGo);
  await within(clock, Math.min(left(grace.settled), LAST_SETTLEMENTS), held.untilNone(of));
}

/**
 * Awaits running deliveries, then gives them up. A run that awaits the end itself can go on only
 * then, and is given up last.
 */
async function endRuns(
  runs: Runs,
  left: TimeLeft,
  of: (delivery: Delivery) => boolean,
  ended: Promise<void>,
): Promise<void> {
  const { clock, held } = runs;
  const grace = graceOf(runs.gracePeriod);
  const running = (delivery: Delivery): boolean => of(delivery) && delivery.state === 'running';
  const awaited = tellAwaited(runs, running, left(grace.runs));
  await withPatience(clock, left(grace.runs), ended);
  awaited();
  giveUp(runs, (delivery) => running(delivery) && !awaitsEnd(delivery));
  const last = left((grace.runs + grace.settled) / 2);
  await withPatience(clock, last, held.untilNone(running));
  giveUp(runs, running);
}

type TimeLeft = (until: number) => number;

/** Returns the milliseconds left until a time, given in milliseconds from now. */
function timeLeft(clock: Clock): TimeLeft {
  const began = clock.now();
  return (until) => Math.max(0, began + until - clock.now());
}

function giveUp(runs: Runs, wanted: (delivery: Delivery) => boolean): void {
  const { held, letGo } = runs;
  const unended = [...held].filter(wanted);
  tellGivenUp(runs, unended);
  for (const delivery of unended) {
    delivery.abort(new ShutdownError());
    letGo(delivery);
  }
}
