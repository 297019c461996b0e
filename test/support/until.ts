import { setTimeout as pause } from 'node:timers/promises';

/** Waits until a condition holds, and fails with what it was and where things stood. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  ms = 15_000,
  standing: () => unknown = () => '',
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      throw new Error(`Not within ${ms} ms: ${what}. ${String(await standing())}`);
    }
    await pause(10);
  }
}
