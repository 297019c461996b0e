import type { Guard } from '../../../core/guard.js';
import type { HeldStream } from '../../../core/held-stream.js';
import type { Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';

/** The subscription that a lease belongs to. */
export interface EntryHolder {
  readonly group: string;
  readonly consumer: string;
  /** All of them have to hold for each step with its leases. */
  readonly guards: readonly Guard[];
  /** Set where a load balancer owns the whole stream. */
  readonly owned?: HeldStream;
  /** The number of the group of inputs, where a load balancer owns the stream. */
  readonly inputs?: () => Promise<number>;
  /** The stream was completed together with this lease, its last one. Called before `settled`. */
  completed?(lease: PostgresLease): void;
  /** These leases are settled, and held no more. */
  settled(leases: readonly PostgresLease[]): void;
  /** A retry of this lease was settled. */
  parked?(lease: PostgresLease): void;
}

/** The stream of an entry. */
export interface ReadStream {
  readonly stream: string;
  /** The number of the stream in the tables. */
  readonly number: number;
}

/** A row of `{schema}.claimed` that is an entry. */
export interface ClaimedEntry {
  readonly kind: string;
  readonly grp: number;
  readonly message: string;
  readonly redrive: string;
  readonly hold: number;
  readonly attempt: number;
  readonly published_at: string;
  readonly origin: string | null;
  readonly fields: string;
}

/** A lease of one row of the table `delivery`. */
export class PostgresLease implements Lease {
  readonly stream: string;
  readonly id: string;
  readonly publishedAt: number;
  readonly redrive: number | undefined;
  /** Number of the group. */
  readonly grp: number;
  /** With `grp` and `redrives` the key of the row. */
  readonly message: string;
  readonly redrives: string;
  /** The fence: the row has another one once it was handed out again. */
  readonly hold: number;
  attempt: number;
  charged: boolean;
  fields: Fields | undefined;
  trimmed = false;
  /** Other consumers may take it. Not handed out here again before one of them has had it. */
  offered = false;
  finishing = false;
  overrun: Promise<unknown> | undefined;

  constructor(
    readonly holder: EntryHolder,
    readonly place: ReadStream,
    row: ClaimedEntry,
  ) {
    this.stream = place.stream;
    this.grp = row.grp;
    this.message = row.message;
    this.redrives = row.redrive;
    this.hold = row.hold;
    this.id = row.origin ?? row.message;
    this.publishedAt = Number(row.published_at);
    this.redrive = row.redrive === '0' ? undefined : Number(row.redrive);
    this.attempt = row.attempt;
    this.charged = row.kind === 'new';
    this.fields = JSON.parse(row.fields) as Fields;
  }

  get redriven(): boolean {
    return this.redrive !== undefined;
  }

  get owned(): HeldStream | undefined {
    return this.holder.owned;
  }

  /** The count of runs without one that was counted and has not ended. */
  get ended(): number {
    return this.charged ? this.attempt - 1 : this.attempt;
  }

  /**
   * The entry waits for its next run, with this count of runs. Its fields are fetched again then.
   */
  park(attempt: number): void {
    this.attempt = attempt;
    this.charged = false;
    this.fields = undefined;
    this.holder.parked?.(this);
  }

  /** Names the row among all rows. */
  get key(): string {
    return keyOf(this.grp, this.message, this.redrives);
  }
}

export const keyOf = (grp: number, message: string, redrive: string): string =>
  redrive === '0' ? `${grp}/${message}` : `${grp}/${message}/${redrive}`;

/** Compares the keys of two rows, for `sort`. */
export const inOrder = (one: PostgresLease, other: PostgresLease): number =>
  one.grp - other.grp ||
  compare(one.message, other.message) ||
  compare(one.redrives, other.redrives);

/** Two decimal texts. */
const compare = (one: string, other: string): number =>
  one.length - other.length || (one < other ? -1 : Number(one > other));
