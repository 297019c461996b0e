import type { Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';

/** What handed a lease out. */
export interface LeaseHolder {
  /** The message is handed out again, by this lease. */
  release(lease: CoreLease): void;
  /** The message is handled, or given up. */
  ended(): void;
}

/** A message that was received. */
export interface Received {
  readonly stream: string;
  readonly id: string;
  /** In milliseconds since the epoch. */
  readonly publishedAt: number;
  readonly fields: Fields;
  /** Rises with each message of the subscription. */
  readonly order: number;
}

/** A message that this process alone has. What becomes of it is decided here, without the server. */
export class CoreLease implements Lease {
  readonly stream: string;
  readonly id: string;
  readonly publishedAt: number;
  readonly order: number;
  attempt = 1;
  charged = true;
  fields: Fields | undefined;
  finishing = false;
  overrun: Promise<unknown> | undefined;
  /** Which messages of its acknowledgement are published, by their places. The others are tried again. */
  readonly published = new Set<number>();
  /** The fields of the message, also while `fields` is undefined. */
  readonly received: Fields;
  /** Whether this lease is handed out, and neither settled nor released. */
  held = true;

  constructor(
    readonly holder: LeaseHolder,
    { stream, id, publishedAt, fields, order }: Received,
  ) {
    this.stream = stream;
    this.id = id;
    this.publishedAt = publishedAt;
    this.fields = this.received = fields;
    this.order = order;
  }

  /** Counts a run. */
  begin(): 'started' | 'gone' {
    if (!this.held) return 'gone';
    this.attempt++;
    this.charged = true;
    this.fields = this.received;
    return 'started';
  }

  /** Keeps the lease for its next run. */
  park(uncharged = false): 'settled' | 'gone' {
    if (!this.held) return 'gone';
    if (uncharged) this.uncharge();
    this.charged = false;
    this.fields = undefined;
    return 'settled';
  }

  /** Gives the message back to its subscription, as a lease that it hands out again. */
  release(): 'settled' | 'gone' {
    if (!this.held) return 'gone';
    this.held = false;
    const { stream, id, publishedAt, order, received: fields } = this;
    const again = new CoreLease(this.holder, { stream, id, publishedAt, order, fields });
    again.attempt = this.charged ? this.attempt - 1 : this.attempt;
    again.charged = false;
    this.holder.release(again);
    return 'settled';
  }

  /** Other consumers cannot have the message: it stays here until its next run. */
  offer(): 'settled' | 'gone' {
    if (!this.held) return 'gone';
    this.uncharge();
    this.fields = undefined;
    return 'settled';
  }

  /** The message is handled, or given up. @returns whether it was not before */
  end(): boolean {
    if (!this.held) return false;
    this.held = false;
    this.holder.ended();
    return true;
  }

  private uncharge(): void {
    if (this.charged) this.attempt--;
    this.charged = false;
  }
}

/** The lease, where this driver made it. */
export function ownLease(lease: Lease): CoreLease {
  if (lease instanceof CoreLease) return lease;
  throw new TypeError('This lease was not made by core NATS.');
}
