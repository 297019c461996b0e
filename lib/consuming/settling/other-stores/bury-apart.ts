import { asError } from '../../../core/errors/error-record.js';
import type { DeadLetterQueue } from '../../../ports/dead-letters.js';
import type { LeaseState, Lease } from '../../../core/lease.js';
import { ack } from '../../../core/settlement.js';
import type { Settle, Settling } from '../../../ports/source.js';

/**
 * For dead letters in another queue than the source's own. The dead letter is stored first, then
 * the entry is acknowledged: a crash between the two stores it twice, and loses nothing. A queue
 * that fails holds up only its own dead letters.
 * @param holds called before storing: a run that lost its entry must not dead-letter it
 */
export function buryApart(
  settle: Settle,
  queue: DeadLetterQueue,
  holds: (leases: readonly Lease[]) => Promise<ReadonlyMap<Lease, LeaseState>>,
): Settle {
  const stored = new WeakSet<Lease>();

  async function store(settling: Settling): Promise<Settling | 'lost'> {
    if (!('record' in settling)) return settling;
    const { lease, record } = settling;
    if (!stored.has(lease)) {
      const hold = (await holds([lease])).get(lease)!;
      // Nothing was settled here yet, so an entry that is gone was settled by another consumer.
      if (hold !== 'held') return 'lost';
      await queue.put(record, lease.fields ?? []);
    }
    stored.add(lease);
    return { lease, settlement: ack };
  }

  return async (batch) => {
    const ready = await Promise.all(
      batch.map((settling) => store(settling).catch((error: unknown) => asError(error))),
    );
    const outcomes = await settle(ready.filter(isSettling));
    let next = 0;
    return ready.map((one) => (isSettling(one) ? outcomes[next++]! : one));
  };
}

const isSettling = (one: Settling | Error | 'lost'): one is Settling =>
  typeof one !== 'string' && !(one instanceof Error);
