import type { HeldStream } from '../../../core/held-stream.js';
import { EntryInHand, type OwnedStreamReading } from '../../../ports/owned-readings.js';
import type { FeedLease } from '../reading/feed.js';
import type { OwnedFeed } from './owned-feed.js';

export interface OwnedReadingOptions {
  readonly owned: HeldStream;
  /** The feeds of the stream, and of the messages redriven to its group. */
  readonly feeds: (reading: OwnedReading) => readonly [OwnedFeed, OwnedFeed];
  readonly allowed: () => boolean;
  readonly othersHave: () => boolean;
  /** Completes the stream in the turn in which its last entry is settled. */
  readonly complete: () => boolean;
  readonly onFinished: (completed: boolean) => void;
  /** Called when more entries may be handed out. */
  readonly onChange: () => void;
}

/** The entries of one owned stream, one after the other. */
export class OwnedReading implements OwnedStreamReading {
  readonly owned: HeldStream;
  readonly feeds: readonly [OwnedFeed, OwnedFeed];
  private readonly inHand = new EntryInHand<FeedLease>(() => this.advance());
  private over = false;

  constructor(private readonly options: OwnedReadingOptions) {
    this.owned = options.owned;
    this.feeds = options.feeds(this);
  }

  get ended(): boolean {
    return this.over;
  }

  /** A message that has run waits to run again. */
  get awaitsRetry(): boolean {
    return this.inHand.awaitsRetry;
  }

  /** The entries that run and are not parked. */
  get running(): FeedLease | undefined {
    const { lease } = this.inHand;
    return lease?.parked ? undefined : lease;
  }

  countReady(): number {
    if (this.over || this.inHand.lease || this.owned.finishing || !this.options.allowed()) return 0;
    return this.feeds.reduce((sum, feed) => sum + feed.taking.countReady(), 0);
  }

  next(): FeedLease | undefined {
    if (this.over || this.inHand.lease || !this.options.allowed()) return undefined;
    const [feed, redriven] = this.feeds;
    const found = this.owned.finishing ? feed.takeOfOthers() : this.take(feed, redriven);
    const [lease] = found;
    this.inHand.lease = lease;
    if (!lease && this.owned.finishing) this.finish(false);
    return lease;
  }

  settled(lease: FeedLease): void {
    if (lease.finishing) {
      this.owned.finishing = true;
      if (this.options.complete()) this.finish(true);
    }
    this.inHand.putDown(lease);
  }

  parked(lease: FeedLease): void {
    this.inHand.parked(lease);
  }

  forgotten(lease: FeedLease, left: boolean): void {
    // Where only the lock had expired, the entry is still pending to this consumer and comes first.
    if (!left) for (const feed of this.feeds) feed.taking.again();
    this.inHand.putDown(lease);
  }

  async letGo(): Promise<void> {
    this.end();
    await this.inHand.untilRest();
  }

  end(): void {
    this.over = true;
  }

  rest(): void {
    this.inHand.rest();
  }

  private take(feed: OwnedFeed, redriven: OwnedFeed): FeedLease[] {
    if (this.options.othersHave()) feed.taking.again();
    for (const one of [redriven, feed]) {
      const taken = one.taking.takeOver(1, false);
      if (taken.length > 0) return taken;
      // The last page was empty.
      const read = one.taking.takeNew(1);
      if (read.length > 0) return read;
    }
    return [];
  }

  private finish(completed: boolean): void {
    this.end();
    this.options.onFinished(completed);
  }

  private advance(): void {
    if (this.owned.finishing && !this.over && !this.options.othersHave()) return this.finish(false);
    this.options.onChange();
  }
}
