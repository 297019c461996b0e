import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';

/** @throws InvalidOptionsError where `ms` is no time to wait */
export function checkedDelay(method: string, ms: number): number {
  if (Number.isFinite(ms) && ms >= 0) return ms;
  throw new InvalidOptionsError([
    `${method} needs a number of ms of at least 0, not ${String(ms)}`,
  ]);
}
