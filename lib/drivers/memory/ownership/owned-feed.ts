import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { HeldStream } from '../../../core/held-stream.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import { Feed, type FeedLease } from '../reading/feed.js';
import type { FeedOptions } from '../reading/feed-options.js';

export interface OwnedFeedOptions extends FeedOptions {
  readonly owned: HeldStream;
  /** Called when the entry is settled; with `finishing` before it leaves the pending list. */
  readonly onSettled: (lease: FeedLease) => void;
  readonly onParked: (lease: FeedLease) => void;
  readonly onForgotten: (lease: FeedLease, left: boolean) => void;
}

/** A feed of an owned stream. It reports what becomes of the entry under way. */
export class OwnedFeed extends Feed {
  constructor(private readonly own: OwnedFeedOptions) {
    super(own);
  }

  get owned(): HeldStream {
    return this.own.owned;
  }

  /** Entries that are pending to other consumers. One of them is taken over. */
  takeOfOthers(): FeedLease[] {
    const { group, clock } = this.own;
    const { claims } = group.claim(
      this.consumer,
      1,
      clock.now(),
      (_, { consumer }) => consumer !== undefined && consumer !== this.consumer,
    );
    return claims.map(({ position, count }) => this.held.hold(position, count, false));
  }

  override finish(lease: FeedLease): void {
    super.finish(lease);
    this.own.onSettled(lease);
  }

  override hold(lease: FeedLease, record: DeadLetterRecord): SettleOutcome {
    const outcome = super.hold(lease, record);
    if (outcome === 'settled') this.own.onSettled(lease);
    return outcome;
  }

  override park(lease: FeedLease, uncharged = false): SettleOutcome {
    const outcome = super.park(lease, uncharged);
    if (outcome === 'settled') this.own.onParked(lease);
    return outcome;
  }

  override release(lease: FeedLease): SettleOutcome {
    const outcome = super.release(lease);
    if (outcome === 'settled') this.own.onForgotten(lease, true);
    return outcome;
  }

  /** @param told whether to report it */
  drop(lease: FeedLease, left: boolean): void {
    this.held.forget(lease, left);
    this.own.onForgotten(lease, left);
  }
}
