import type { Statements } from '../../connection/statements.js';
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
