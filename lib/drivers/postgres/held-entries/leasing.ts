import type { EventBus } from '../../../core/event-bus.js';
import type { BeginOutcome, ExtendOutcome } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';
import type { Statements } from '../connection/statements.js';
import { fencedColumns, guardColumns } from './lease-columns.js';
import { numberList } from '../sql/list-texts.js';
import type { PostgresLease } from './postgres.lease.js';

interface Begun {
  readonly word: BeginOutcome | 'trimmed';
  readonly fields: string | null;
}

/** Counts runs, and fetches the fields that leases lack. All leases are of one holder. */
export async function beginLeases(
  statements: Statements,
  events: EventBus,
  leases: readonly PostgresLease[],
): Promise<BeginOutcome[]> {
  const { rows } = await statements.query<Begun>(
    'counting runs',
    'select * from {schema}.begin_runs($1, $2, $3, $4, $5, $6, $7, $8)',
    [
      ...fencedColumns(leases),
      numberList(leases.map(({ attempt }) => attempt + 1)),
      leases.map(({ fields }) => fields === undefined),
      ...guardColumns(leases[0]!.holder.guards),
    ],
  );
  return leases.map((lease, at) => {
    const { word, fields } = rows[at]!;
    if (word === 'trimmed') tellTrimmed(events, lease);
    if (word !== 'started') return word === 'trimmed' ? 'gone' : word;
    lease.attempt++;
    lease.charged = true;
    lease.offered = false;
    if (fields !== null) lease.fields = JSON.parse(fields) as Fields;
    return word;
  });
}

/** Keeps entries fresh. All leases are of one holder. Returns one outcome for each, in order. */
export async function extendLeases(
  statements: Statements,
  events: EventBus,
  leases: readonly PostgresLease[],
): Promise<ExtendOutcome[]> {
  const { rows } = await statements.query<{ words: ExtendOutcome[] }>(
    'keeping entries fresh',
    'select {schema}.extend_leases($1, $2, $3, $4, $5, $6) as words',
    [...fencedColumns(leases), ...guardColumns(leases[0]!.holder.guards)],
  );
  const { words } = rows[0]!;
  for (const [at, lease] of leases.entries()) {
    if (words[at] !== 'trimmed') continue;
    lease.trimmed = true;
    tellTrimmed(events, lease);
  }
  return words;
}

/** Tells that the data of an entry is gone. */
export function tellTrimmed(events: EventBus, { stream, holder: { group } }: PostgresLease): void {
  events.emit('trimmed', { stream, group, count: 1 });
}
