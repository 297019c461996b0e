import type { OutgoingEntry } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import { dueColumns } from '../delays/due.js';
import { fencedColumns, guardColumns } from '../held-entries/lease-columns.js';
import { problemOf } from '../publishing/entry-problem.js';
import { tellOfMessages } from '../publishing/message-hints.js';
import { withStreams } from '../publishing/with-streams.js';
import { storedFields } from '../sql/stored-fields.js';
import { completionOf } from './acknowledge.js';
import { completedColumns } from './completed-columns.js';
import { forgetSettled, leaseOf } from './settled.js';
import type { Outcome, SettlingParts } from './settling-parts.js';

/** An entry that follows, and the place of its settlement in the batch. */
interface Following {
  readonly entry: OutgoingEntry;
  readonly owner: number;
}

const followingOf = ({ settlement }: Settling): readonly OutgoingEntry[] =>
  settlement.kind === 'ack' ? (settlement.publish ?? []) : [];

/** Acknowledges entries and publishes what follows from them. Refuses those with an invalid entry. */
export async function acknowledgeAndPublish(
  batch: readonly Settling[],
  parts: SettlingParts,
): Promise<Outcome[]> {
  const problems = batch.map((one) =>
    followingOf(one)
      .map((entry) => problemOf(entry, parts.streams))
      .find(Boolean),
  );
  const good = batch.filter((_, at) => !problems[at]);
  const settled = good.length > 0 ? await settleValid(good, parts) : [];
  let next = 0;
  return problems.map((problem) => problem ?? settled[next++]!);
}

async function settleValid(
  batch: readonly Settling[],
  parts: SettlingParts,
): Promise<SettleOutcome[]> {
  const leases = batch.map(leaseOf);
  const following = batch.flatMap((one, owner) =>
    followingOf(one).map((entry): Following => ({ entry, owner })),
  );
  const names = following.map(({ entry }) => entry.stream);
  const outcomes = await withStreams(parts.streams, names, (numbers) =>
    send(batch, following, numbers, parts),
  );
  forgetSettled(leases, outcomes);
  return outcomes;
}

async function send(
  batch: readonly Settling[],
  following: readonly Following[],
  numbers: readonly number[],
  { database, hints, keyPrefix, onScheduled }: SettlingParts,
): Promise<SettleOutcome[]> {
  const leases = batch.map(leaseOf);
  const completions = batch.map(completionOf);
  const entries = following.map(({ entry }) => entry);
  const { later, at } = dueColumns(entries);
  const { rows } = await database.query<{ words: SettleOutcome[] }>(
    'acknowledging and publishing',
    `select {schema}.acknowledge_and_publish(
      $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) as words`,
    [
      ...fencedColumns(leases),
      ...guardColumns(leases[0]!.holder.guards),
      ...(completions.some(Boolean) ? completedColumns(completions, keyPrefix) : [null, null]),
      following.map(({ owner }) => owner + 1),
      numbers,
      entries.map(({ fields }) => storedFields(fields)),
      later,
      at,
    ],
  );
  tellOfMessages(
    hints,
    numbers.filter((_, place) => !entries[place]!.when),
  );
  onScheduled(entries.filter(({ when }) => when));
  return rows[0]!.words;
}
