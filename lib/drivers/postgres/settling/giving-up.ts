import type { SettleOutcome } from '../../../core/settlement.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Settling } from '../../../ports/source.js';
import { fencedColumns, guardColumns } from '../held-entries/lease-columns.js';
import { withStreams } from '../publishing/with-streams.js';
import { toStored } from '../sql/exact-text.js';
import { storedFields } from '../sql/stored-fields.js';
import { forgetSettled, leaseOf } from './settled.js';
import type { SettlingParts } from './settling-parts.js';

/** Makes entries dead letters, with the fields that their leases were handed. */
export async function bury(
  batch: readonly Settling[],
  { database, streams }: SettlingParts,
): Promise<SettleOutcome[]> {
  const leases = batch.map(leaseOf);
  const records = batch.map(recordOf);
  const names = records.map(({ stream }) => stream);
  const outcomes = await withStreams(streams, names, async (numbers) => {
    const { rows } = await database.query<{ words: SettleOutcome[] }>(
      'storing dead letters',
      'select {schema}.bury($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as words',
      [
        ...fencedColumns(leases),
        ...guardColumns(leases[0]!.holder.guards),
        numbers,
        records.map(({ group }) => toStored(group)),
        records.map(({ id }) => id),
        leases.map(({ publishedAt }) => publishedAt),
        records.map((record) => JSON.stringify(record)),
        leases.map(({ fields }) => (fields ? storedFields(fields) : null)),
      ],
    );
    return rows[0]!.words;
  });
  forgetSettled(leases, outcomes);
  return outcomes;
}

/** Puts entries on hold. */
export async function putOnHold(
  batch: readonly Settling[],
  { database }: SettlingParts,
): Promise<SettleOutcome[]> {
  const leases = batch.map(leaseOf);
  const { rows } = await database.query<{ words: SettleOutcome[] }>(
    'putting on hold',
    'select {schema}.put_on_hold($1, $2, $3, $4, $5, $6, $7, $8) as words',
    [
      ...fencedColumns(leases),
      leases.map(({ attempt }) => attempt),
      batch.map((one) => JSON.stringify(recordOf(one))),
      ...guardColumns(leases[0]!.holder.guards),
    ],
  );
  const { words } = rows[0]!;
  forgetSettled(leases, words);
  return words;
}

function recordOf(settling: Settling): DeadLetterRecord {
  if (!('record' in settling)) throw new TypeError('A dead letter needs its record.');
  return settling.record;
}
