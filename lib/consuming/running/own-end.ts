import { within, type Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { isRunning } from '../../core/delivery-state.js';
import { callingRun } from './run-mark.js';
import { HeldDeliveries } from './held-deliveries.js';

/** How often it is looked whether a run has come to await an end, in milliseconds. */
const LOOK_AGAIN = 100;

/** Runs that await the end of a consumer, or have awaited one. */
const awaiting = new WeakSet<Delivery>();

/** It runs, and awaits the end of a consumer. */
export const awaitsEnd = (delivery: Delivery): boolean =>
  isRunning(delivery) && awaiting.has(delivery);

/** The promises of all functions between a run and this one are linked then. */
export const promisesLinked = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * What a caller who asked for an end awaits. A run would wait for itself until it is given up: it waits
 * for the other runs only, and not for those that await an end too. What was asked for goes on, and
 * waits for them all.
 *
 * The caller has to await what this answers, and nothing else may: a stack trace leads to one only.
 * @param othersEnded resolves when no runs are left but those that await an end. Answers whether there
 * are such
 */
export async function endFor(
  clock: Clock,
  ended: Promise<void>,
  othersEnded: () => Promise<boolean>,
): Promise<void> {
  let over = false;
  const end = ended.then(() => void (over = true));
  await Promise.race([end, promisesLinked()]);
  while (!over) {
    const run = callingRun();
    if (run.length > 0) return unlessOwn(run, end, othersEnded);
    await within(clock, LOOK_AGAIN, end);
  }
}

async function unlessOwn(
  run: readonly Delivery[],
  ended: Promise<void>,
  othersEnded: () => Promise<boolean>,
): Promise<void> {
  for (const delivery of run) {
    awaiting.add(delivery);
    // Other runs may wait for this one.
    if (delivery.chain instanceof HeldDeliveries) delivery.chain.progressed();
  }
  const others = async (): Promise<void> => {
    if (!(await othersEnded())) await ended;
  };
  await Promise.race([ended, others()]);
}
