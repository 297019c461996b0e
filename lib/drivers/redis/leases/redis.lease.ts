import type { Redis } from 'ioredis';
import type { Link } from '../../../core/collections/chain.js';
import type { Guard } from '../../../core/guard.js';
import type { Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';
import type { HeldStream } from '../../../core/held-stream.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import { sizeOf } from './entry-sizes.js';
import { unpackFields } from '../scripting/stored-fields.js';
import type { Fenced } from '../scripting/fence.js';

/** A key that a subscription reads: a stream, or what was redriven from it to this group. */
export interface ReadKey {
  readonly key: string;
  readonly stream: string;
  readonly redriven: boolean;
}

/** The subscription that a lease belongs to, as far as a lease needs it. */
export interface EntryHolder {
  readonly group: string;
  readonly consumer: string;
  /** See SubscribeOptions. */
  readonly runsWithin: number;
  /** What must hold wherever its entries are touched; none: they are its own by the fence alone. */
  readonly guards: readonly Guard[];
  /** Its streams are owned as a whole. */
  readonly owned?: HeldStream;
  /** The source has settled these: this consumer holds them no longer. */
  settled(leases: readonly RedisLease[]): void;
  /** Acknowledges an entry in its own way; undefined: in the usual one. */
  finish?(client: Redis, lease: RedisLease): Promise<SettleOutcome | undefined>;
  /** It waits for its next run. */
  parked?(lease: RedisLease): void;
}

/** Elements that stand before a redriven message's own fields: the name and the JSON of its origin. */
export const ORIGIN_ELEMENTS = 2;

/** A hold on one entry of a Redis stream. */
export class RedisLease implements Lease, Link<RedisLease> {
  before: RedisLease | undefined;
  after: RedisLease | undefined;
  chain: object | undefined;
  fields: Fields | undefined;
  /** The entry's data was deleted and with it its pending record: nobody else can hold it. */
  trimmed = false;
  /** Pending to us by policy: not handed out here, not adopted. */
  left = false;
  /** Offered to other consumers: not handed out here again before another consumer has had it. */
  offered = false;
  finishing = false;
  overrun: Promise<unknown> | undefined;
  /** It was taken over or adopted, not read. */
  readonly adopted: boolean;
  /** Bytes of its data while that is held. The table of what is held counts them. */
  size: number;
  /** Of its data, when it was last fetched. */
  fetched = 0;
  /** See {@link memoryHint}. Lives as long as the data. */
  memoryHint: object | undefined;
  private origin: { readonly stream: string; readonly id: string } | undefined;

  constructor(
    readonly holder: EntryHolder,
    readonly source: ReadKey,
    /** Id in the key that it was read from. */
    readonly entryId: string,
    public attempt: number,
    public charged: boolean,
    stored: Fields,
  ) {
    this.adopted = !charged;
    this.load(stored);
    this.size = this.fetched;
  }

  /** Takes in the fields as they are stored, less what is not the message's own. */
  load(stored: Fields): void {
    this.fetched = sizeOf(stored);
    if (!this.source.redriven) {
      this.fields = stored;
      return;
    }
    this.learnOrigin(stored);
    this.fields = unpackFields(stored.slice(ORIGIN_ELEMENTS));
  }

  /** Where a redriven message comes from stands at the head of its stored fields. */
  private learnOrigin(stored: Fields): void {
    try {
      this.origin = JSON.parse(stored[1] ?? 'null') as typeof this.origin;
    } catch {
      // Somebody else wrote to our key: the entry stands for itself.
    }
  }

  leave(): void {
    this.left = true;
    this.fields = undefined;
  }

  /** A run that was counted and has not begun has been taken back. */
  offer(): void {
    if (this.charged) this.attempt--;
    this.charged = false;
    this.offered = true;
  }

  get owned(): HeldStream | undefined {
    return this.holder.owned;
  }

  /** A subscription has one; on a cluster there is one for each slot. */
  get lane(): unknown {
    return this.holder;
  }

  get stream(): string {
    return this.source.stream;
  }

  get id(): string {
    return this.origin?.id ?? this.entryId;
  }

  get publishedAt(): number {
    return Number.parseInt(this.id, 10);
  }

  /** What identifies the run to the scripts. */
  get fence(): Fenced {
    const { group, consumer, guards } = this.holder;
    return { key: this.source.key, group, consumer, guards, id: this.entryId, count: this.attempt };
  }

  get redriven(): boolean {
    return this.source.redriven;
  }

  /** When it was, ms since the epoch. */
  get redrive(): number | undefined {
    return this.redriven ? Number.parseInt(this.entryId, 10) : undefined;
  }
}
