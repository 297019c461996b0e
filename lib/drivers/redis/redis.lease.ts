import type { Lease } from '../../core/lease.js';
import type { Fields } from '../../core/message.js';
import type { RedisSubscription } from './redis.subscription.js';

/** A key that a subscription reads: a stream, or what was redriven from it to this group. */
export interface ReadKey {
  readonly key: string;
  readonly stream: string;
  readonly redriven: boolean;
}

/** Elements that stand before a redriven message's own fields: the name and the JSON of its origin. */
export const ORIGIN_ELEMENTS = 2;

/** A hold on one entry of a Redis stream. */
export class RedisLease implements Lease {
  charged: boolean;
  fields: Fields | undefined;
  /** The entry's data was deleted and with it its pending record: nobody else can hold it. */
  trimmed = false;
  /** Pending to us by policy: not handed out here, not adopted. */
  left = false;
  private origin: { readonly stream: string; readonly id: string } | undefined;

  constructor(
    readonly subscription: RedisSubscription,
    readonly source: ReadKey,
    /** Id in the key that it was read from. */
    readonly entryId: string,
    public attempt: number,
    stored: Fields | undefined,
  ) {
    this.charged = stored !== undefined;
    this.fields = undefined;
    if (stored) this.load(stored);
  }

  /** Takes in the fields as they are stored, less what is not the message's own. */
  load(stored: Fields): void {
    if (!this.source.redriven) {
      this.fields = stored;
      return;
    }
    this.learnOrigin(stored);
    this.fields = stored.slice(ORIGIN_ELEMENTS);
  }

  /** Where a redriven message comes from stands at the head of its stored fields. */
  learnOrigin(stored: Fields): void {
    this.origin = JSON.parse(stored[1] ?? 'null') as typeof this.origin;
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

  get redriven(): boolean {
    return this.source.redriven;
  }
}
