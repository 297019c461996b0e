import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Settling } from '../../../ports/source.js';
import type { NatsLease } from '../leases/nats.lease.js';
import { messageId } from '../publishing/message-id.js';
import { acknowledge } from './acknowledge.js';
import { leaseOf, outcomeOf, type Outcome, type SettlingParts } from './settling-parts.js';

/**
 * Makes entries dead letters, with the fields that their leases were handed, then acknowledges them. Is
 * given leases that have their entries.
 */
export async function bury(batch: readonly Settling[], parts: SettlingParts): Promise<Outcome[]> {
  return Promise.all(
    batch.map((one) =>
      outcomeOf(async () => {
        const lease = leaseOf(one);
        const fields = lease.fields ?? (await lease.reading.get(lease.sequence))?.fields ?? [];
        await parts.putDeadLetter(recordOf(one), fields, idOf(lease));
        // Where this is lost, the next delivery finds on record that the entry is done.
        lease.freshUntil = 0;
        const [outcome] = await acknowledge([lease], parts);
        return outcome!;
      }),
    ),
  );
}

/** The same for each run of the entry: one that dies before it acknowledges leaves one dead letter. */
const idOf = ({ stream, holder, id, redrive = 0, generation }: NatsLease): string =>
  messageId('dead', stream, holder.group, id, String(redrive), String(generation));

function recordOf(settling: Settling): DeadLetterRecord {
  if (!('record' in settling)) throw new TypeError('A dead letter needs its record.');
  return settling.record;
}
