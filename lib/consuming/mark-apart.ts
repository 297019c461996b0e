import type { Completion, Completions } from '../core/completions.js';
import type { Settling } from '../core/source.js';
import type { Settle } from './store-elsewhere.js';

/**
 * Completions go to another store than the source's: marked first, acknowledged after, so that a
 * process that dies in between leaves an entry whose next delivery is known as a duplicate. Where
 * something is published with the acknowledgement it is marked after it, as what is marked is not
 * published any more. What could not be marked is settled again.
 */
export function markApart(settle: Settle, completions: Completions): Settle {
  return (batch) => (batch.some(completionOf) ? settleAndMark(batch) : settle(batch));

  async function settleAndMark(batch: readonly Settling[]): ReturnType<Settle> {
    const marked = await Promise.all(
      batch.map((settling) => (publishes(settling) ? undefined : mark(settling))),
    );
    const ready = batch.filter((_, index) => !marked[index]);
    const settled = await settle(ready);
    const markedAfter = await Promise.all(
      ready.map((settling, index) =>
        publishes(settling) && settled[index] === 'settled' ? mark(settling) : undefined,
      ),
    );
    let next = 0;
    return marked.map((error) => {
      if (error) return error;
      const at = next++;
      return markedAfter[at] ?? settled[at]!;
    });
  }

  async function mark(settling: Settling): Promise<Error | undefined> {
    const completion = completionOf(settling);
    if (!completion) return undefined;
    try {
      await completions.complete([completion]);
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }
}

const completionOf = ({ settlement }: Settling): Completion | undefined =>
  settlement.kind === 'ack' ? settlement.completes : undefined;

const publishes = ({ settlement }: Settling): boolean =>
  settlement.kind === 'ack' && (settlement.publish?.length ?? 0) > 0;
