import type { BackoffOptions } from '../core/handler-options.js';

/** Sentences that each say what must be otherwise. */
export type Problems = string[];

/** `options[key]`, where given, must be a whole number of at least `min`. */
export function whole<T extends object>(
  problems: Problems,
  options: T,
  key: keyof T & string,
  min: number,
  max: number = Number.MAX_SAFE_INTEGER,
): void {
  const value = options[key] as unknown;
  if (value === undefined) return;
  if (!Number.isSafeInteger(value) || (value as number) < min) {
    problems.push(`${key} must be a whole number of at least ${min}, not ${String(value)}`);
  } else if ((value as number) > max) {
    problems.push(`${key} must be at most ${max}, not ${String(value)}`);
  }
}

/** `options[key]`, where given, must be true or false. */
export function truth<T extends object>(
  problems: Problems,
  options: T,
  key: keyof T & string,
): void {
  const value = options[key] as unknown;
  if (value === undefined || typeof value === 'boolean') return;
  problems.push(`${key} must be true or false, not ${String(value)}`);
}

export function backoffProblems(problems: Problems, backoff: BackoffOptions | undefined): void {
  if (backoff === undefined) return;
  const { type, delay, maxDelay, jitter } = backoff;
  if (type !== undefined && type !== 'fixed' && type !== 'exponential') {
    problems.push(`backoff.type must be 'fixed' or 'exponential', not '${String(type)}'`);
  }
  for (const [key, value] of Object.entries({ delay, maxDelay })) {
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) {
      problems.push(`backoff.${key} must be a number of ms of at least 0, not ${String(value)}`);
    }
  }
  if (jitter !== undefined && !(jitter >= 0 && jitter <= 1)) {
    problems.push(`backoff.jitter must be between 0 and 1, not ${String(jitter)}`);
  }
}
