import type { Completion } from '../../../core/completion.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import { guardColumns, rowColumns } from '../held-entries/lease-columns.js';
import { completedColumns } from './completed-columns.js';
import { forgetSettled, leaseOf } from './settled.js';
import type { SettlingParts } from './settling-parts.js';

/** The completion that is recorded with the acknowledgement. */
export const completionOf = ({ settlement }: Settling): Completion | undefined =>
  settlement.kind === 'ack' ? settlement.completes : undefined;

/** The work is done, no matter which consumer has the entries now. */
export async function acknowledge(
  batch: readonly Settling[],
  { database, keyPrefix }: SettlingParts,
): Promise<SettleOutcome[]> {
  const leases = batch.map(leaseOf);
  const completions = batch.map(completionOf);
  const completes = completions.some((one) => one !== undefined);
  const { rows } = await database.query<{ done: boolean }>(
    'acknowledging',
    'select {schema}.acknowledge($1, $2, $3, $4, $5, $6, $7) as done',
    [
      ...rowColumns(leases),
      ...guardColumns(leases[0]!.holder.guards),
      ...(completes ? completedColumns(completions, keyPrefix) : [null, null]),
    ],
  );
  const outcomes = leases.map((): SettleOutcome => (rows[0]!.done ? 'settled' : 'lost'));
  forgetSettled(leases, outcomes);
  return outcomes;
}
