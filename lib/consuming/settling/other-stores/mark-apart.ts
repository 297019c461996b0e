import { asError } from '../../../core/errors/error-record.js';
import type { Completions } from '../../../ports/completions.js';
import type { Completion } from '../../../core/completion.js';
import type { Lease } from '../../../core/lease.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settle, Settling } from '../../../ports/source.js';

type Outcome = SettleOutcome | Error;

/**
 * For completions in another store than the source's. The mark is written first, then the entry is
 * acknowledged. A process that dies in between leaves an entry whose next delivery is recognised as
 * a duplicate. Where the acknowledgement also publishes messages, the mark is written after it,
 * because a marked message publishes nothing any more. A mark that could not be written is written
 * when the settlement is tried again.
 */
export function markApart(settle: Settle, completions: Completions): Settle {
  /** Published and acknowledged: only the mark is left to write. */
  const published = new WeakSet<Lease>();

  return (batch) => (batch.some(completionOf) ? settleAndMark(batch) : settle(batch));

  async function settleAndMark(batch: readonly Settling[]): ReturnType<Settle> {
    const known = await Promise.all(batch.map(before));
    const going = batch.filter((_, index) => known[index] === undefined);
    const settled = await settle(going);
    const told = await Promise.all(
      going.map((settling, index) => after(settling, settled[index]!)),
    );
    let next = 0;
    return known.map((outcome) => outcome ?? told[next++]!);
  }

  /** Undefined: the settlement is to be carried out. */
  async function before(settling: Settling): Promise<Outcome | undefined> {
    if (!publishes(settling)) return mark(settling);
    return published.has(settling.lease) ? ((await mark(settling)) ?? 'settled') : undefined;
  }

  async function after(settling: Settling, outcome: Outcome): Promise<Outcome> {
    if (outcome !== 'settled' || !publishes(settling)) return outcome;
    published.add(settling.lease);
    return (await mark(settling)) ?? outcome;
  }

  async function mark(settling: Settling): Promise<Error | undefined> {
    const completion = completionOf(settling);
    if (!completion) return undefined;
    try {
      await completions.complete([completion]);
      return undefined;
    } catch (error) {
      return asError(error);
    }
  }
}

const completionOf = ({ settlement }: Settling): Completion | undefined =>
  settlement.kind === 'ack' ? settlement.completes : undefined;

const publishes = ({ settlement }: Settling): boolean =>
  settlement.kind === 'ack' && (settlement.publish?.length ?? 0) > 0;
