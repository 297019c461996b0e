import type { Guard } from '../../../core/guard.js';
import { numberList } from '../sql/list-texts.js';
import type { PostgresLease } from './postgres.lease.js';

/** The keys of rows, as the texts of columns for `unnest`. */
export const rowColumns = (
  leases: readonly PostgresLease[],
): readonly [grps: string, messages: string, redrives: string] => {
  const grps = new Array<number>(leases.length);
  const messages = new Array<string>(leases.length);
  const redrives = new Array<string>(leases.length);
  for (let at = 0; at < leases.length; at++) {
    const lease = leases[at]!;
    grps[at] = lease.grp;
    messages[at] = lease.message;
    redrives[at] = lease.redrives;
  }
  return [numberList(grps), numberList(messages), numberList(redrives)];
};

/** The keys of rows and their fences. */
export const fencedColumns = (leases: readonly PostgresLease[]) =>
  [...rowColumns(leases), numberList(leases.map(({ hold }) => hold))] as const;

/** Null where there are none. */
export const guardColumns = (
  guards: readonly Guard[],
): readonly [keys: string[] | null, tokens: string[] | null] =>
  guards.length === 0
    ? [null, null]
    : [guards.map(({ key }) => key), guards.map(({ value }) => value)];
