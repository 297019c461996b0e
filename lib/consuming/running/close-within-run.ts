import { within, type Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { isRunning } from '../../core/delivery-state.js';
import { called, callingRun } from './run-mark.js';
import { HeldDeliveries } from './held-deliveries.js';

/** How often to check whether a run has begun to await an end, in milliseconds. */
const LOOK_AGAIN = 100;

/** Runs that await the end of a consumer, or have awaited one. */
const awaiting = new WeakSet<Delivery>();

/** Whether the delivery runs and awaits the end of a consumer. */
export const awaitsEnd = (delivery: Delivery): boolean =>
  isRunning(delivery) && awaiting.has(delivery);

/** Resolves when the promises of all functions between a run and this call are linked. */
export const promisesLinked = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * What a caller that asked for an end awaits. A run would wait for itself until it is given up. So
 * a run waits only for the other runs that do not await an end themselves. The end itself goes on,
 * and waits for all of them.
 *
 * The caller must await the returned promise, and no other code may: a stack trace leads to one
 * awaiting function only.
 * @param othersEnded resolves when only runs that await an end are left, with whether there are any
 */
export function endFor(
  clock: Clock,
  ended: Promise<void>,
  othersEnded: () => Promise<boolean>,
): Promise<void> {
  return called(() => awaitEnd(clock, ended, othersEnded));
}

async function awaitEnd(
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
