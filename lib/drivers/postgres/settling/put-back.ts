import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import { fencedColumns, guardColumns } from '../held-entries/lease-columns.js';
import { tellTrimmed } from '../held-entries/leasing.js';
import { tellOfMessages } from '../publishing/message-hints.js';
import { forgetSettled, leaseOf } from './settled.js';
import type { SettlingParts } from './settling-parts.js';

/** `retry` and `leave` keep the entry pending. `release` and `elsewhere` give it to others. */
type Kind = 'retry' | 'leave' | 'release' | 'elsewhere';

/** Retries, releases, and entries that are left pending. */
export async function putBack(
  batch: readonly Settling[],
  { database, events, hints }: SettlingParts,
): Promise<SettleOutcome[]> {
  const leases = batch.map(leaseOf);
  const kinds = batch.map(kindOf);
  const attempts = batch.map(attemptAfter);
  const { rows } = await database.query<{ words: (SettleOutcome | 'trimmed')[] }>(
    'settling',
    'select {schema}.put_back($1, $2, $3, $4, $5, $6, $7, $8) as words',
    [...fencedColumns(leases), attempts, kinds, ...guardColumns(leases[0]!.holder.guards)],
  );
  const given: number[] = [];
  const outcomes = rows[0]!.words.map((word, at): SettleOutcome => {
    const lease = leases[at]!;
    if (word === 'trimmed') tellTrimmed(events, lease);
    if (word !== 'settled') return word === 'trimmed' ? 'gone' : word;
    const kind = kinds[at]!;
    if (kind === 'release' || kind === 'elsewhere') given.push(lease.place.number);
    if (kind === 'release') forgetSettled([lease], [word]);
    if (kind === 'retry' || kind === 'elsewhere') lease.park(attempts[at]!);
    if (kind === 'elsewhere') lease.offered = true;
    return word;
  });
  tellOfMessages(hints, given);
  return outcomes;
}

function kindOf({ settlement }: Settling): Kind {
  switch (settlement.kind) {
    case 'retry':
    case 'leave':
      return settlement.kind;
    case 'release':
      return settlement.elsewhere ? 'elsewhere' : 'release';
    default:
      throw new TypeError(`A source does not carry out ${settlement.kind} in this way.`);
  }
}

/** The count of runs that the entry keeps. */
function attemptAfter(settling: Settling): number {
  const { settlement } = settling;
  const lease = leaseOf(settling);
  return settlement.kind === 'retry' && !settlement.uncharged ? lease.attempt : lease.ended;
}
