import type { Completion } from '../../../core/completion.js';
import { completionKey } from '../completions/completion-key.js';

/** The keys that settlements complete, and for how long that is remembered, in milliseconds. */
export const completedColumns = (
  completions: readonly (Completion | undefined)[],
  prefix: string,
): readonly [keys: (string | null)[], ttls: (number | null)[]] => [
  completions.map((one) => (one ? completionKey(prefix, one.claim) : null)),
  completions.map((one) => (one ? Math.ceil(one.ttl) : null)),
];
