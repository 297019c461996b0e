import { systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Database } from '../connection/database.js';
import type { HeldTable } from '../held-entries/held-table.js';
import type { EntryHolder, PostgresLease } from '../held-entries/postgres.lease.js';
import {
  adopt,
  claim,
  claimHanded,
  findSettled,
  lookAfter,
  takeOver,
  type Claimed,
  type LookTimes,
} from './claims.js';
import type { CrashWatch } from './crash-watch.js';
import type { GroupKeeper } from './group-keeper.js';
import { MakingLeases } from './making-leases.js';
import { UnknownEntries } from './unknown-entries.js';

/** The consumer is noted as seen this often at most, in milliseconds. */
const NOTE_EVERY = 5000;
/** Most entries that were left pending that one look checks. */
const LEFT_AT_A_LOOK = 1000;

export interface ReaderOptions {
  readonly database: Database;
  readonly events: EventBus;
  readonly holder: EntryHolder;
  readonly keeper: GroupKeeper;
  readonly held: HeldTable;
  readonly crashes: CrashWatch;
  readonly times: LookTimes;
  readonly watches: (stream: string) => boolean;
  readonly onDisowned: () => void;
}

/** Asks the server for entries, one question at a time. */
export class Reader {
  private readonly making: MakingLeases;
  private readonly unknown = new UnknownEntries();
  /** Under guards, until all that was pending is taken: the id behind which it is taken next. */
  private takenUpTo: string | undefined;
  private lookDue = false;
  private notedAt = -Infinity;
  /** When the server was asked last. */
  private askedAt = systemClock.now();
  private turn = 0;
  private readonly noteEvery: number;

  constructor(private readonly options: ReaderOptions) {
    const { holder, times } = options;
    this.making = new MakingLeases(options);
    const isGuarded = holder.guards.length > 0;
    this.takenUpTo = isGuarded ? '0' : undefined;
    if (!isGuarded) this.unknown.before();
    this.noteEvery = Math.min(NOTE_EVERY, times.idleTimeout / 2, times.crashedAfter / 4);
  }

  /**
   * The next `read` looks for abandoned entries, too. Returns true where there was no read since the
   * last time.
   */
  dueToLook(): boolean {
    const wasDue = this.lookDue;
    this.lookDue = true;
    return wasDue;
  }

  /** The answer to a question was lost, or was an error. */
  answerLost(): void {
    this.unknown.answerLost(this.askedAt);
  }

  /** Returns entries, `limit` at most. None: there is nothing to read now. */
  async read(limit: number): Promise<PostgresLease[]> {
    const grps = this.grpsInTurn();
    if (grps.length === 0) return [];
    this.askedAt = systemClock.now();
    if (this.lookDue) {
      this.lookDue = false;
      const leases = await this.look(grps, this.takenUpTo === undefined ? limit : 0);
      if (leases.length > 0) return leases;
    }
    if (this.unknown.window) {
      const leases = await this.adoptSome(grps, limit);
      if (leases.length > 0) return leases;
    }
    while (this.takenUpTo !== undefined) {
      const leases = await this.takeSomeOver(grps[0]!, this.takenUpTo, limit);
      if (!leases || leases.length > 0) return leases ?? [];
    }
    return this.claimSome(grps, limit);
  }

  /** Returns only entries that were handed to this consumer, `limit` at most. */
  async readHanded(limit: number): Promise<PostgresLease[]> {
    const grps = this.grpsInTurn();
    if (grps.length === 0) return [];
    const { database, holder } = this.options;
    return this.making.leasesOf(
      await claimHanded(database, holder.consumer, { grps, most: limit }),
    );
  }

  /** Looks, and takes nothing over. */
  async lookOnly(): Promise<void> {
    const grps = this.grpsInTurn();
    if (grps.length === 0) return;
    await this.look(grps, 0);
    await this.noteSeen();
  }

  /** Notes that the consumer is alive, unless that was noted just now. */
  async noteSeen(): Promise<void> {
    if (systemClock.now() - this.notedAt >= this.noteEvery) {
      await this.claimSome(this.grpsInTurn(), 0);
    }
  }

  private async claimSome(grps: readonly number[], most: number): Promise<PostgresLease[]> {
    const { database, holder } = this.options;
    const now = systemClock.now();
    const noted = now - this.notedAt >= this.noteEvery;
    const rows = await claim(database, holder, { grps, most, noted });
    if (noted) this.notedAt = now;
    return this.making.leasesOf(rows);
  }

  private async look(grps: readonly number[], most: number): Promise<PostgresLease[]> {
    const { database, holder, times, crashes, keeper } = this.options;
    const rows = await database.whenConnected('looking for abandoned entries', (own) => {
      // Owners that could not reach the server get time to return.
      const more = database.allowance(times.idleTimeout);
      return lookAfter(own, holder, { grps, most, times: longer(times, more) });
    });
    crashes.looked(rows, keeper);
    // There may be more of them than there was room for.
    const taken = rows.filter(({ kind }) => kind === 'stale').length;
    if (most > 0 && taken >= most) this.lookDue = true;
    this.unknown.looked(times.idleTimeout, {
      found: rows.some(({ kind }) => kind === 'unknown'),
      displaced: this.making.displaced,
    });
    await this.forgetLeft();
    return this.making.leasesOf(rows);
  }

  private async adoptSome(grps: readonly number[], most: number): Promise<PostgresLease[]> {
    const { database, holder, held } = this.options;
    this.making.displaced = false;
    const ages = this.unknown.ages();
    const rows = await adopt(database, holder, { grps, most, known: held.known, ...ages });
    if (rows.length < most) this.unknown.adopted();
    const leases = await this.making.leasesOf(rows);
    if (this.takenUpTo !== undefined) this.takenUpTo = lastOf(rows) ?? this.takenUpTo;
    return leases;
  }

  /** Undefined: a guard does not hold. */
  private async takeSomeOver(
    grp: number,
    after: string,
    most: number,
  ): Promise<PostgresLease[] | undefined> {
    const { database, holder } = this.options;
    const rows = await takeOver(database, holder, { grp, most, after });
    const leases = await this.making.leasesOf(rows);
    if (rows.some(({ kind }) => kind === 'disowned')) return undefined;
    this.takenUpTo = rows.length === 0 ? undefined : (lastOf(rows) ?? after);
    // Redriven messages that an earlier process of this name had are left.
    if (rows.length === 0) this.unknown.before();
    return leases;
  }

  private async forgetLeft(): Promise<void> {
    const { held, database } = this.options;
    const left = held.allLeft.slice(0, LEFT_AT_A_LOOK);
    if (left.length === 0) return;
    for (const lease of await findSettled(database, left)) held.remove(lease);
  }

  /** Begins with another stream each time, so that a busy stream does not starve the others. */
  private grpsInTurn(): number[] {
    const { keeper, watches } = this.options;
    const grps = keeper.readings.filter(({ stream }) => watches(stream)).map(({ grp }) => grp);
    if (grps.length < 2) return grps;
    this.turn = (this.turn + 1) % grps.length;
    return [...grps.slice(this.turn), ...grps.slice(0, this.turn)];
  }
}

const longer = (times: LookTimes, more: number): LookTimes => ({
  idleTimeout: times.idleTimeout + more,
  crashedAfter: times.crashedAfter + more,
  absentAfter: times.absentAfter + more,
});

/** The id of the last entry of a stream, in the order of the rows. */
const lastOf = (rows: readonly Claimed[]): string | undefined =>
  rows.findLast(({ redrive }) => redrive === '0')?.message;
