import { systemClock } from '../../../core/clock.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';
import { fencedColumns } from '../held-entries/lease-columns.js';
import type { EntryHolder, PostgresLease } from '../held-entries/postgres.lease.js';
import { onHanded } from '../live-consumers/handed-hints.js';
import { tellOfMessages } from '../publishing/message-hints.js';
import { toStored } from '../sql/exact-text.js';
import type { Reading } from './group-keeper.js';

export interface HandedEntriesOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly hints: Hints;
  readonly holder: EntryHolder;
  /** The streams that the subscription reads. */
  readonly readings: () => readonly Reading[];
  /** Fetches entries that wait for this consumer. */
  readonly fetch: (most: number) => Promise<PostgresLease[]>;
  /** Called where entries may wait. */
  readonly onHint: () => void;
}

/** The entries that other consumers have handed to this one. */
export class HandedEntries {
  /** Entries that were fetched and not handed out. */
  private fetched: PostgresLease[] = [];
  private mayWait = true;
  private lookedAt = -Infinity;
  private readonly deaf: () => void;

  constructor(private readonly options: HandedEntriesOptions) {
    this.deaf = onHanded(options.listener, options.holder, () => {
      this.mayWait = true;
      options.onHint();
    });
  }

  /** Whether to fetch now. */
  get isDue(): boolean {
    const isLate = systemClock.now() - this.lookedAt >= this.options.listener.pollInterval;
    return this.fetched.length === 0 && (this.mayWait || isLate);
  }

  async fetch(most: number): Promise<void> {
    this.mayWait = false;
    this.lookedAt = systemClock.now();
    const leases = await this.options.fetch(most);
    this.mayWait ||= leases.length === most;
    this.fetched.push(...leases);
  }

  /** Returns entries that were fetched, `limit` at most. */
  take(limit: number): PostgresLease[] {
    return this.fetched.splice(0, limit);
  }

  /**
   * Gives back what waits for this consumer in some streams, for any consumer. What cannot be given
   * back now is taken over later. Never rejects.
   */
  async giveBack(isLeft: (stream: string) => boolean): Promise<void> {
    const leases = this.fetched.filter(({ stream }) => isLeft(stream));
    this.fetched = this.fetched.filter(({ stream }) => !isLeft(stream));
    const readings = this.options.readings().filter(({ stream }) => isLeft(stream));
    const backs = [this.giveBackFetched(leases), this.giveBackWaiting(readings)];
    await Promise.all(backs.map((back) => back.catch(() => undefined)));
  }

  stop(): void {
    this.deaf();
  }

  private async giveBackFetched(leases: readonly PostgresLease[]): Promise<void> {
    if (leases.length === 0) return;
    const { database, holder, hints } = this.options;
    holder.settled(leases);
    await database.query(
      'giving back what was handed over',
      `select {schema}.put_back($1, $2, $3, $4, $5, array_fill('release'::text, $6), null, null)`,
      [...fencedColumns(leases), leases.map(({ ended }) => ended), [leases.length]],
    );
    tellOfMessages(
      hints,
      leases.map(({ place }) => place.number),
    );
  }

  private async giveBackWaiting(readings: readonly Reading[]): Promise<void> {
    if (readings.length === 0) return;
    const { database, holder, hints } = this.options;
    const { rows } = await database.query<{ grp: number }>(
      'giving back what was handed over',
      'select {schema}.give_back_handed($1, $2) as grp',
      [toStored(holder.consumer), readings.map(({ grp }) => grp)],
    );
    const given = new Set(rows.map(({ grp }) => grp));
    tellOfMessages(
      hints,
      readings.filter(({ grp }) => given.has(grp)).map(({ number }) => number),
    );
  }
}
