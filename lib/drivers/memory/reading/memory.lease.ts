import type { HeldStream } from '../../../core/held-stream.js';
import type { Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';
import type { Fence } from '../broker/pending-entry.js';
import type { Entry } from '../broker/entry-log.js';

/** The feed that handed a lease out. */
export interface LeaseOrigin {
  readonly stream: string;
  readonly consumer: string;
  readonly redriven: boolean;
  /** Set where a load balancer owns the whole stream. */
  readonly owned?: HeldStream;
}

/** A lease that knows its feed. */
export class MemoryLease<Origin extends LeaseOrigin> implements Lease, Fence {
  readonly id: string;
  readonly publishedAt: number;
  fields: Fields | undefined;
  /** A retry was settled: the entry does not run until `begin`. */
  parked = false;
  /** Offered to other consumers: not handed out here again before another consumer has had it. */
  offered = false;
  /** `extend` found the data deleted. The run may still finish, and publish its next step. */
  trimmed = false;
  finishing = false;
  overrun: Promise<unknown> | undefined;

  constructor(
    readonly feed: Origin,
    readonly position: number,
    entry: Entry,
    public attempt: number,
    public charged: boolean,
  ) {
    this.id = entry.id;
    this.publishedAt = entry.publishedAt;
    this.fields = entry.fields;
  }

  get stream(): string {
    return this.feed.stream;
  }

  get owned(): HeldStream | undefined {
    return this.feed.owned;
  }

  get consumer(): string {
    return this.feed.consumer;
  }

  get redriven(): boolean {
    return this.feed.redriven;
  }

  get redrive(): number | undefined {
    return this.redriven ? this.position + 1 : undefined;
  }
}
