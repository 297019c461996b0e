import { grouped } from '../../../core/collections/grouped.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Lease } from '../../../core/lease.js';
import type { HandOverOutcome, Receiver } from '../../../ports/live-consumers.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import { tellTrimmed } from '../held-entries/leasing.js';
import { fencedColumns } from '../held-entries/lease-columns.js';
import type { PostgresLease } from '../held-entries/postgres.lease.js';
import { toStored } from '../sql/exact-text.js';
import { tellOfHanded } from './handed-hints.js';

/** An entry that is to be handed to another consumer. */
export interface HandableEntry {
  readonly lease: Lease;
  readonly eventType: string;
}

export interface HandingContext {
  readonly database: Database;
  readonly hints: Hints;
  readonly events: EventBus;
}

type Outcome = HandOverOutcome | Error;

/** Hands entries of one stream over. Entries of one group go in one step. */
export async function handOverAll(
  entries: readonly HandableEntry[],
  to: Receiver,
  maxWaiting: number,
  context: HandingContext,
): Promise<Outcome[]> {
  const outcomes = new Map<HandableEntry, Outcome>();
  for (const same of grouped(entries, ({ lease }) => (lease as PostgresLease).grp).values()) {
    const found = await handOverSome(same, to, maxWaiting, context);
    for (const [index, entry] of same.entries()) outcomes.set(entry, found[index]!);
  }
  return entries.map((entry) => outcomes.get(entry)!);
}

async function handOverSome(
  entries: readonly HandableEntry[],
  { consumer, instance }: Receiver,
  maxWaiting: number,
  { database, hints, events }: HandingContext,
): Promise<Outcome[]> {
  const leases = entries.map(({ lease }) => lease as PostgresLease);
  const { grp, holder } = leases[0]!;
  const [, messages, redrives, holds] = fencedColumns(leases);
  try {
    const { rows } = await database.query<{ words: (HandOverOutcome | 'trimmed')[] }>(
      'handing entries over',
      'select {schema}.hand_over($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) as words',
      [
        ...[grp, toStored(holder.consumer), toStored(consumer), toStored(instance), maxWaiting],
        ...[messages, redrives, holds],
        leases.map(({ ended }) => ended),
        entries.map(({ eventType }) => toStored(eventType)),
      ],
    );
    const { words } = rows[0]!;
    if (words.includes('handed')) tellOfHanded(hints, holder.group, consumer);
    return words.map((word, at) => {
      if (word !== 'trimmed') return word;
      tellTrimmed(events, leases[at]!);
      return 'gone';
    });
  } catch (error) {
    return entries.map(() => error as Error);
  }
}
