import { setTimeout as pause } from 'node:timers/promises';

/** Waits until a condition holds. After `ms` of real time it fails with the name of the condition. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 15_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Not within ${ms} ms: ${what}.`);
    await pause(10);
  }
}
