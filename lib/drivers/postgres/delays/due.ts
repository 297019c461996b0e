import type { When } from '../../../core/message.js';
import { LATEST } from '../../../ports/delays.js';

/** A whole number of milliseconds that a Date can hold. */
const whole = (ms: number): string => String(Math.min(Math.max(Math.ceil(ms), -LATEST), LATEST));

/** Due times as the function `schedule` takes them: of each pair one element is null. */
export interface DueColumns {
  /** Milliseconds from now. */
  readonly later: (string | null)[];
  /** Milliseconds since the epoch. */
  readonly at: (string | null)[];
}

export const dueColumns = (entries: readonly { readonly when?: When }[]): DueColumns => ({
  later: entries.map(({ when }) => (when && 'in' in when ? whole(when.in) : null)),
  at: entries.map(({ when }) => (when && 'at' in when ? whole(when.at) : null)),
});
