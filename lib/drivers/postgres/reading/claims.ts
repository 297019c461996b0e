import type { Guard } from '../../../core/guard.js';
import type { Statements } from '../connection/statements.js';
import { toStored } from '../sql/exact-text.js';
import { guardColumns, rowColumns } from '../held-entries/lease-columns.js';
import type { ClaimedEntry, PostgresLease } from '../held-entries/postgres.lease.js';

/** A row of the type `claimed` of the schema. `fields` is null where the data is gone. */
export interface Claimed extends Omit<ClaimedEntry, 'fields'> {
  readonly fields: string | null;
  readonly holder: string | null;
}

/** Who claims. */
export interface Claimer {
  readonly consumer: string;
  readonly guards: readonly Guard[];
}

const PARAMETERS = '$1, $2, $3, $4, $5';

const columnsOf = ({ consumer, guards }: Claimer, grps: readonly number[], most: number) => [
  toStored(consumer),
  grps,
  most,
  ...guardColumns(guards),
];

/** Claims entries that no consumer has, or that were handed to this one. */
export async function claim(
  statements: Statements,
  claimer: Claimer,
  { grps, most, noted }: { grps: readonly number[]; most: number; noted: boolean },
): Promise<Claimed[]> {
  const { rows } = await statements.query<Claimed>(
    'claiming',
    `select * from {schema}.claim(${PARAMETERS}, $6)`,
    [...columnsOf(claimer, grps, most), noted],
  );
  return rows;
}

/** Claims only entries that were handed to this consumer. */
export async function claimHanded(
  statements: Statements,
  consumer: string,
  { grps, most }: { grps: readonly number[]; most: number },
): Promise<Claimed[]> {
  const { rows } = await statements.query<Claimed>(
    'receiving what was handed over',
    'select * from {schema}.claim_handed($1, $2, $3)',
    [toStored(consumer), grps, most],
  );
  return rows;
}

/** All in milliseconds. */
export interface LookTimes {
  readonly idleTimeout: number;
  readonly crashedAfter: number;
  readonly absentAfter: number;
}

/** Takes over entries that are not kept fresh, and tells of silent consumers. */
export async function lookAfter(
  statements: Statements,
  claimer: Claimer,
  { grps, most, times }: { grps: readonly number[]; most: number; times: LookTimes },
): Promise<Claimed[]> {
  const { idleTimeout, crashedAfter, absentAfter } = times;
  const { rows } = await statements.query<Claimed>(
    'looking for abandoned entries',
    `select * from {schema}.look_after(${PARAMETERS}, $6, $7, $8)`,
    [...columnsOf(claimer, grps, most), idleTimeout, crashedAfter, absentAfter].map(whole),
  );
  return rows;
}

export interface Adoption {
  readonly grps: readonly number[];
  readonly most: number;
  readonly known: PostgresLease[];
  /** Entries that were kept fresh so long ago at most, in milliseconds. */
  readonly oldest: number;
  /** Entries that were kept fresh so long ago at least, in milliseconds. */
  readonly youngest: number;
}

/** Takes up entries of this consumer that are not known here. */
export async function adopt(
  statements: Statements,
  claimer: Claimer,
  { grps, most, known, oldest, youngest }: Adoption,
): Promise<Claimed[]> {
  const { rows } = await statements.query<Claimed>(
    'adopting entries',
    `select * from {schema}.adopt(${PARAMETERS}, $6, $7, $8, $9, $10)`,
    [
      ...columnsOf(claimer, grps, most),
      ...rowColumns(known),
      Number.isFinite(oldest) ? Math.ceil(oldest) : null,
      Math.floor(youngest),
    ],
  );
  return rows;
}

/** Takes the entries of a group behind an id, up to the last one that any consumer has. */
export async function takeOver(
  statements: Statements,
  claimer: Claimer,
  { grp, most, after }: { grp: number; most: number; after: string },
): Promise<Claimed[]> {
  const { rows } = await statements.query<Claimed>(
    'taking over',
    `select * from {schema}.take_over(${PARAMETERS}, $6)`,
    [toStored(claimer.consumer), grp, most, ...guardColumns(claimer.guards), after],
  );
  return rows;
}

/** Drops rows whose data is gone. */
export async function drop(statements: Statements, rows: readonly Claimed[]): Promise<void> {
  await statements.query(
    'dropping entries without data',
    `delete from {schema}.delivery d
    using unnest($1::int[], $2::bigint[], $3::bigint[], $4::int[]) as e(grp, message, redrive, hold)
    where d.message = e.message and d.grp = e.grp and d.redrive = e.redrive and d.hold = e.hold`,
    [
      rows.map(({ grp }) => grp),
      rows.map(({ message }) => message),
      rows.map(({ redrive }) => redrive),
      rows.map(({ hold }) => hold),
    ],
  );
}

/** Of these entries, those that no consumer of the group has any more. */
export async function findSettled(
  statements: Statements,
  leases: readonly PostgresLease[],
): Promise<PostgresLease[]> {
  const { rows } = await statements.query<{ at: string }>(
    'looking for entries that were left',
    `select e.at from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality
      as e(grp, message, redrive, at)
    where not exists (select from {schema}.delivery d
      where d.message = e.message and d.grp = e.grp and d.redrive = e.redrive)`,
    rowColumns(leases),
  );
  return rows.map(({ at }) => leases[Number(at) - 1]!);
}

const whole = (value: unknown): unknown => (typeof value === 'number' ? Math.ceil(value) : value);
