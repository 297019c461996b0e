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

/** A key that a subscription reads: a stream, or its redrive stream for this group. */
export interface ReadKey {
  readonly key: string;
  readonly stream: string;
  readonly redriven: boolean;
}

/** The subscription of a lease, as far as the lease needs it. */
export interface EntryHolder {
  readonly group: string;
  readonly consumer: string;
  /** See SubscribeOptions. */
  readonly runsWithin: number;
  /** Guards that must hold wherever its entries are touched. None: the fence alone is enough. */
  readonly guards: readonly Guard[];
  /** Set where a load balancer owns the whole stream. */
  readonly owned?: HeldStream;
  /** Call it when the source has settled these: the consumer holds them no longer. */
  settled(leases: readonly RedisLease[]): void;
  /** Acknowledges an entry in its own way. Undefined: in the usual way. */
  finish?(client: Redis, lease: RedisLease): Promise<SettleOutcome | undefined>;
  /** Call it when the entry waits for its next run. */
  parked?(lease: RedisLease): void;
}

/** Elements before a redriven message's own fields: the name and the JSON of its origin. */
export const ORIGIN_ELEMENTS = 2;

/** A lease of one entry of a Redis stream. */
export class RedisLease implements Lease, Link<RedisLease> {
  readonly stream: string;
  /** Of a redriven message: of its first publication. */
  id: string;
  readonly owned: HeldStream | undefined;
  /** A subscription has one; on a cluster there is one for each slot. */
  readonly lane: EntryHolder;
  before: RedisLease | undefined = undefined;
  after: RedisLease | undefined = undefined;
  chain: object | undefined = undefined;
  fields: Fields | undefined = undefined;
  /** The entry's data was deleted, and with it its pending record: no other consumer can own it. */
  trimmed = false;
  /** Stays pending by policy: not handed out here, not adopted. */
  left = false;
  /** Offered to other consumers: not handed out here again before another consumer has had it. */
  offered = false;
  finishing = false;
  overrun: Promise<unknown> | undefined = undefined;
  /** The entry was taken over or adopted, not read. */
  readonly adopted: boolean;
  /** Bytes of its data while that is held. The table of leases counts them. */
  size: number;
  /** Bytes of its data when it was last fetched. */
  fetched = 0;
  /** See {@link memoryHint}. Lives as long as the data. */
  memoryHint: object | undefined = undefined;

  constructor(
    readonly holder: EntryHolder,
    readonly source: ReadKey,
    /** Id in the key from which it was read. */
    readonly entryId: string,
    public attempt: number,
    public charged: boolean,
    stored: Fields,
  ) {
    this.stream = source.stream;
    this.id = entryId;
    this.owned = holder.owned;
    this.lane = holder;
    this.adopted = !charged;
    if (source.redriven) this.load(stored);
    else this.fields = stored;
    this.size = this.fetched = sizeOf(stored);
  }

  /** Takes the stored fields, and removes those that are not the message's own. */
  load(stored: Fields): void {
    this.fetched = sizeOf(stored);
    if (!this.source.redriven) {
      this.fields = stored;
      return;
    }
    this.learnOrigin(stored);
    this.fields = unpackFields(stored.slice(ORIGIN_ELEMENTS));
  }

  /** The origin of a redriven message stands at the head of its stored fields. */
  private learnOrigin(stored: Fields): void {
    try {
      const origin = JSON.parse(stored[1] ?? 'null') as { readonly id?: string } | null;
      this.id = origin?.id ?? this.entryId;
    } catch {
      // Another program wrote to this key: the entry has no other origin.
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

  get publishedAt(): number {
    return Number.parseInt(this.id, 10);
  }

  /** The fence of the run, for scripts. */
  get fence(): Fenced {
    const { group, consumer, guards } = this.holder;
    return { key: this.source.key, group, consumer, guards, id: this.entryId, count: this.attempt };
  }

  get redriven(): boolean {
    return this.source.redriven;
  }

  /** When it was redriven, in milliseconds since the epoch. */
  get redrive(): number | undefined {
    return this.redriven ? Number.parseInt(this.entryId, 10) : undefined;
  }
}
