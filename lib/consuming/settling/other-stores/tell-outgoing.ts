import { isDelayed } from '../../../ports/delays.js';
import type { OutgoingEntry, When } from '../../../core/message.js';
import { tellPublished, type PublishedParts } from '../../../core/published-report.js';
import type { Settle, Settling } from '../../../ports/source.js';

interface OutgoingOptions extends PublishedParts {
  /** Called with the due times of messages that settlements have stored for later. */
  readonly onScheduled: (stream: string, when: When) => void;
}

/** Reports messages that a settlement has published, or has stored for later. */
export function tellOutgoing(settle: Settle, options: OutgoingOptions): Settle {
  const { events, onScheduled } = options;
  return (batch) => {
    const isHeard = events?.listened.has('published') ?? false;
    const isTold = (one: Settling): boolean =>
      isHeard ? publishedBy(one).length > 0 : publishedBy(one).some(isDelayed);
    return batch.some(isTold) ? settleAndTell(batch) : settle(batch);
  };

  async function settleAndTell(batch: readonly Settling[]): ReturnType<Settle> {
    const outcomes = await settle(batch);
    for (const [index, settling] of batch.entries()) {
      if (outcomes[index] !== 'settled') continue;
      const entries = publishedBy(settling);
      for (const { stream, when } of entries) if (when) onScheduled(stream, when);
      tellPublished(options, entries, { by: 'settlement' });
    }
    return outcomes;
  }
}

const NOTHING: readonly OutgoingEntry[] = [];

const publishedBy = ({ settlement }: Settling): readonly OutgoingEntry[] =>
  (settlement.kind === 'ack' ? settlement.publish : undefined) ?? NOTHING;
