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
    const marked = await Promise.all(batch.map((settling) => mark(settling, !publishes(settling))));
    const ready = batch.filter((_, index) => !marked[index]);
    const settled = await settle(ready);
    const markedAfter = await Promise.all(
      ready.map((settling, index) =>
        mark(settling, publishes(settling) && settled[index] === 'settled'),
      ),
    );
    let next = 0;
    return marked.map((error) => {
      if (error) return error;
      const at = next++;
      return markedAfter[at] ?? settled[at]!;
    });
  }

  async function mark(settling: Settling, now: boolean): Promise<Error | undefined> {
    const completion = now ? completionOf(settling) : undefined;
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
