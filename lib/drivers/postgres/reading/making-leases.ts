import { grouped } from '../../../core/collections/grouped.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Database } from '../connection/database.js';
import type { HeldTable } from '../held-entries/held-table.js';
import {
  PostgresLease,
  type ClaimedEntry,
  type EntryHolder,
} from '../held-entries/postgres.lease.js';
import { drop, type Claimed } from './claims.js';
import type { GroupKeeper } from './group-keeper.js';

export interface MakingLeasesOptions {
  readonly database: Database;
  readonly events: EventBus;
  readonly holder: EntryHolder;
  readonly keeper: GroupKeeper;
  readonly held: HeldTable;
  readonly onDisowned: () => void;
}

const hasData = (row: Claimed): row is Claimed & ClaimedEntry => row.fields !== null;

/** Makes leases of what the server has handed to this consumer. */
export class MakingLeases {
  /** Some entry came again while an older lease of it was held. It is pending, and not known here. */
  displaced = false;

  constructor(private readonly options: MakingLeasesOptions) {}

  /** Returns the leases to hand out, in order. Entries without data are dropped, and told of. */
  async leasesOf(rows: readonly Claimed[]): Promise<PostgresLease[]> {
    const leases: PostgresLease[] = [];
    const without: Claimed[] = [];
    for (const row of rows) {
      if (row.kind === 'disowned') this.options.onDisowned();
      else if (row.kind === 'gone') this.options.keeper.lost(row.grp);
      else if (row.hold === null) continue;
      else if (!hasData(row)) without.push(row);
      else leases.push(...this.leaseOf(row));
    }
    this.report('adopted', rows);
    this.report('reclaimed', rows);
    if (without.length > 0) await this.dropAll(without);
    return leases;
  }

  private leaseOf(row: ClaimedEntry): PostgresLease[] {
    const { held, holder, keeper } = this.options;
    const { grp, message, redrive } = row;
    const reading = keeper.of(grp);
    if (!reading || held.isLeft(grp, message, redrive)) return [];
    const known = held.get(grp, message, redrive);
    if (known && !known.offered) {
      // The group was moved back, and has handed the entry out anew: the run goes on.
      if (known.hold === row.hold) known.attempt = row.attempt;
      else this.displaced = true;
      return [];
    }
    const lease = new PostgresLease(holder, reading, row);
    held.add(lease);
    if (redrive === '0') keeper.handedOut(grp, message);
    return [lease];
  }

  private report(event: 'adopted' | 'reclaimed', rows: readonly Claimed[]): void {
    const { events, holder, keeper } = this.options;
    const kind = event === 'adopted' ? 'adopted' : 'stale';
    const taken = rows.filter((row) => row.kind === kind && hasData(row));
    if (taken.length === 0) return;
    for (const [grp, { length: count }] of grouped(taken, (row) => row.grp)) {
      const stream = keeper.of(grp)?.stream;
      if (stream !== undefined) events.emit(event, { stream, group: holder.group, count });
    }
  }

  private async dropAll(rows: readonly Claimed[]): Promise<void> {
    const { database, events, holder, keeper } = this.options;
    await drop(database, rows);
    const told = rows.filter(({ kind }) => kind !== 'new');
    for (const [grp, { length: count }] of grouped(told, (row) => row.grp)) {
      const stream = keeper.of(grp)?.stream;
      if (stream !== undefined) events.emit('trimmed', { stream, group: holder.group, count });
    }
  }
}
