import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import { rowColumns } from '../held-entries/lease-columns.js';
import { toStored } from '../sql/exact-text.js';
import { completionOf } from './acknowledge.js';
import { completedColumns } from './completed-columns.js';
import { forgetSettled, leaseOf } from './settled.js';
import type { SettlingParts } from './settling-parts.js';

/**
 * Acknowledges entries of streams that one consumer owns, each under the lock of its stream. An entry
 * with which its stream is finished completes the stream in the same step.
 */
export async function acknowledgeOwned(
  batch: readonly Settling[],
  { database, keyPrefix }: SettlingParts,
): Promise<SettleOutcome[]> {
  const leases = batch.map(leaseOf);
  const locks = leases.map(({ holder }) => holder.guards[0]!);
  const { consumer, inputs } = leases[0]!.holder;
  const finishes = leases.some(({ finishing }) => finishing);
  const completions = batch.map(completionOf);
  const completes = completions.some((one) => one !== undefined);
  const { rows } = await database.query<{ words: ('settled' | 'lost' | 'completed')[] }>(
    'acknowledging',
    'select {schema}.acknowledge_owned($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as words',
    [
      toStored(consumer),
      ...rowColumns(leases),
      locks.map(({ key }) => key),
      locks.map(({ value }) => value),
      ...(completes ? completedColumns(completions, keyPrefix) : [null, null]),
      finishes ? await inputs!() : null,
      leases.map(({ finishing, owned }) => (finishing ? owned!.id : null)),
    ],
  );
  const outcomes = rows[0]!.words.map((word, at): SettleOutcome => {
    if (word !== 'completed') return word;
    leases[at]!.holder.completed?.(leases[at]!);
    return 'settled';
  });
  forgetSettled(leases, outcomes);
  return outcomes;
}
