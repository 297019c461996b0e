import { isDelayed } from '../../../ports/delays.js';
import type { When } from '../../../core/message.js';
import type { Settle, Settling } from '../../../ports/source.js';

/** Reports messages that a settlement has stored for later. */
export function tellDelayed(
  settle: Settle,
  onScheduled: (stream: string, when: When) => void,
): Settle {
  return (batch) => (batch.some(hasDelayed) ? settleAndTell(batch) : settle(batch));

  async function settleAndTell(batch: readonly Settling[]): ReturnType<Settle> {
    const outcomes = await settle(batch);
    for (const [index, settling] of batch.entries()) {
      if (outcomes[index] !== 'settled') continue;
      for (const { stream, when } of delayedOf(settling)) onScheduled(stream, when);
    }
    return outcomes;
  }
}

const hasDelayed = (settling: Settling): boolean => publishedBy(settling)?.some(isDelayed) ?? false;

const delayedOf = (settling: Settling) => publishedBy(settling)?.filter(isDelayed) ?? [];

const publishedBy = ({ settlement }: Settling) =>
  settlement.kind === 'ack' ? settlement.publish : undefined;
