import type { EventBus } from '../../../../core/event-bus.js';
import type { ExtendOutcome } from '../../../../core/lease.js';
import type { Statements } from '../../connection/statements.js';
import { fencedColumns } from '../../held-entries/lease-columns.js';
import { tellTrimmed } from '../../held-entries/leasing.js';
import type { PostgresLease } from '../../held-entries/postgres.lease.js';
import type { Claimed } from '../../reading/claims.js';
import { toStored } from '../../sql/exact-text.js';
import type { OwnedPlace, OwnedReading } from './owned-reading.js';

/** A reading whose group was found. */
export type Placed = OwnedReading & { readonly place: OwnedPlace };

/** Claims the next entry of each of these streams. */
export async function claimOwned(
  statements: Statements,
  consumer: string,
  readings: readonly Placed[],
): Promise<Claimed[]> {
  const guards = readings.map((reading) => reading.guards[0]!);
  const { rows } = await statements.query<Claimed>(
    'reading owned streams',
    'select * from {schema}.claim_owned($1, $2, $3, $4, $5, $6)',
    [
      toStored(consumer),
      readings.map(({ place }) => place.grp),
      guards.map(({ key }) => key),
      guards.map(({ value }) => value),
      readings.map(({ owned }) => owned.finishing ?? false),
      readings.flatMap(({ leftKeys }) => leftKeys),
    ],
  );
  return rows;
}

/** A group that has something to hand out, or that does not exist any more. */
export interface ReadyGroup {
  readonly grp: number;
  readonly gone: boolean;
}

/** Finds the streams that have something to hand out. */
export async function readyOwned(
  statements: Statements,
  grps: readonly number[],
): Promise<ReadyGroup[]> {
  const { rows } = await statements.query<ReadyGroup>(
    'looking at owned streams',
    'select * from {schema}.ready_owned($1)',
    [grps],
  );
  return rows;
}

/** Keeps entries of owned streams fresh. Returns one outcome for each, in order. */
export async function extendOwned(
  statements: Statements,
  events: EventBus,
  leases: readonly PostgresLease[],
): Promise<ExtendOutcome[]> {
  const guards = leases.map(({ holder }) => holder.guards[0]!);
  const { rows } = await statements.query<{ words: ExtendOutcome[] }>(
    'keeping entries fresh',
    'select {schema}.extend_owned($1, $2, $3, $4, $5, $6, $7) as words',
    [
      toStored(leases[0]!.holder.consumer),
      ...fencedColumns(leases),
      guards.map(({ key }) => key),
      guards.map(({ value }) => value),
    ],
  );
  const { words } = rows[0]!;
  for (const [at, lease] of leases.entries()) {
    if (words[at] !== 'trimmed') continue;
    lease.trimmed = true;
    tellTrimmed(events, lease);
  }
  return words;
}
