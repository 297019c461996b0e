import type { OutgoingEntry } from '../../../core/message.js';
import type { Settling } from '../../../ports/source.js';
import type { NatsLease } from '../leases/nats.lease.js';
import { messageId } from '../publishing/message-id.js';
import { acknowledge } from './acknowledge.js';
import { leaseOf, type Outcome, type SettlingParts } from './settling-parts.js';

/** An entry that follows, and the place of its settlement in the batch. */
interface Following {
  readonly entry: OutgoingEntry;
  readonly messageId: string;
  readonly owner: number;
}

/**
 * Publishes what follows from entries, then acknowledges those of which all is published. A repeat of the
 * settlement publishes nothing twice. Is given leases that have their entries.
 */
export async function publishAndAcknowledge(
  batch: readonly Settling[],
  parts: SettlingParts,
): Promise<Outcome[]> {
  const following = batch.flatMap(followingOf);
  const published = await parts.publishEntries(
    following.map(({ entry }) => entry),
    following.map((one) => one.messageId),
  );
  const outcomes = new Array<Outcome | undefined>(batch.length);
  for (const [at, { owner }] of following.entries()) {
    const result = published[at];
    if (result instanceof Error) outcomes[owner] ??= result;
  }
  const done = [...batch.keys()].filter((at) => !outcomes[at]);
  const acknowledged = await acknowledge(
    done.map((at) => leaseOf(batch[at]!)),
    parts,
  );
  for (const [place, at] of done.entries()) outcomes[at] = acknowledged[place]!;
  return outcomes as Outcome[];
}

function followingOf(settling: Settling, owner: number): Following[] {
  const { settlement } = settling;
  const lease = leaseOf(settling);
  if (settlement.kind !== 'ack') return [];
  return (settlement.publish ?? []).map((entry, index) => ({
    entry,
    messageId: idOf(lease, index),
    owner,
  }));
}

/**
 * Names what follows from an entry: the same text for each repeat of the settlement, and for a later run
 * of the entry, whose first one may have died between publishing and acknowledging. A group that is moved
 * back publishes anew.
 */
function idOf({ stream, holder, id, redrive = 0, generation }: NatsLease, index: number): string {
  return messageId(
    'follows',
    stream,
    holder.group,
    id,
    ...[redrive, generation, index].map(String),
  );
}
