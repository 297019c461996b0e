import type { Hold, Lease } from '../../core/lease.js';
import { answerFirst } from './elsewhere/answer-first.js';
import type { ConsumerOptions } from '../consumer-options.js';
import { markApart } from './elsewhere/mark-apart.js';
import { looksOn } from './settling-lane.js';
import { storeElsewhere, type Settle } from './elsewhere/bury-apart.js';
import { tellDelayed } from './elsewhere/tell-delayed.js';

/** Settles at the source, with all that stands around it where other stores have a part in it. */
export function settleWith(
  options: ConsumerOptions,
  holds: (leases: readonly Lease[]) => Promise<ReadonlyMap<Lease, Hold>>,
): Settle {
  const { source, deadLetter, replies, clock, onScheduled, completions, marksApart, chaining } =
    options;
  const plain = tellDelayed((batch) => source.settle(batch), onScheduled);
  const settle = completions && marksApart ? markApart(plain, completions) : plain;
  const stored = deadLetter ? storeElsewhere(settle, deadLetter, holds) : settle;
  const chained = chaining.settling(stored, { holds, looksOn });
  return replies ? answerFirst(chained, replies, clock) : chained;
}
