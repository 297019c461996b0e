import {
  InvalidMessageError,
  type DeadLetterRecord,
  type DriverContext,
  type MessageSource,
  type OutgoingEntry,
  type SettleOutcome,
  type Settling,
  type SourceCapabilities,
  type SubscribeOptions,
  type Subscription,
} from 'nestjs-redis-streams/driver';
import type { Change } from './changes.js';
import type { FileLease } from './feed.js';
import { FileSubscription } from './file.subscription.js';
import type { Store } from './store.js';
import { begunAtEnd, rememberedFeed, resumedFeeds } from './subscribed.feeds.js';

export class FileSource implements MessageSource {
  /** Only the journal can tell: without it the engine keeps count. */
  readonly settledUpTo?: NonNullable<MessageSource['settledUpTo']>;

  constructor(
    readonly capabilities: SourceCapabilities,
    private readonly store: Store,
    private readonly context: DriverContext,
    /** Closes the store, where no other driver uses it. */
    readonly close: () => Promise<void>,
  ) {
    if (capabilities.positions === 'source') {
      this.settledUpTo = async (stream, group) =>
        store.contents.group(this.key(stream), group).settledUpTo();
    }
  }

  // #region publish
  async publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    const results = entries.map((entry) => orError(() => this.append(entry)));
    const flushed = orError(() => this.store.flush());
    this.store.wake();
    return flushed instanceof Error ? entries.map(() => flushed) : results;
  }

  private append(entry: OutgoingEntry): string {
    refuseOdd(entry);
    return String(this.store.append(this.key(entry.stream), entry.fields));
  }
  // #endregion

  // #region subscribe
  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { store, context } = this;
    const keys = options.streams.map((stream) => this.key(stream));
    const subscribed = options.streams.map((stream, at) => ({
      ...{ stream, key: keys[at]!, store, options },
    }));
    if (this.capabilities.positions === 'source') {
      const feeds = subscribed.map(rememberedFeed);
      store.flush();
      return new FileSubscription(store, feeds, options, context);
    }
    const feeds = subscribed.flatMap(resumedFeeds);
    const end = store.soleReaders.enter(keys, options.group);
    const began = begunAtEnd(subscribed);
    return new FileSubscription(store, feeds, options, context, end, began);
  }
  // #endregion

  // #region settle
  async settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    const outcomes = batch.map((settling) => orError(() => this.settleOne(settling)));
    const flushed = orError(() => this.store.flush());
    this.store.wake();
    return flushed instanceof Error ? batch.map(() => flushed) : outcomes;
  }

  /** One line of the journal has all that comes of a settlement. */
  private settleOne(settling: Settling): SettleOutcome {
    const { settlement } = settling;
    const lease = settling.lease as FileLease;
    const { feed } = lease;
    const state = feed.stateOf(lease);
    const publish = settlement.kind === 'ack' ? (settlement.publish ?? []) : [];
    if (settlement.kind === 'ack' && publish.length === 0) {
      // No fence: the work is done, no matter which consumer has the entry by now.
      if (state !== 'gone') feed.settle(lease, []);
      return 'settled';
    }
    if (state !== 'held') return state;
    if ('record' in settling) feed.settle(lease, [this.burial(lease, settling.record)]);
    else if (settling.settlement.kind === 'ack') feed.settle(lease, this.publications(publish));
    else feed.giveBack(lease, settling.settlement);
    return 'settled';
  }
  // #endregion

  private publications(entries: readonly OutgoingEntry[]): Change[] {
    const last = new Map<string, number>();
    return entries.map((entry) => {
      refuseOdd(entry);
      const stream = this.key(entry.stream);
      const id = (last.get(stream) ?? this.store.contents.stream(stream).lastId) + 1;
      last.set(stream, id);
      const publishedAt = this.store.clock.wallTime();
      return { do: 'publish', stream, entry: { id, publishedAt, fields: entry.fields } };
    });
  }

  private burial({ feed, pending }: FileLease, record: DeadLetterRecord): Change {
    const { fields } = feed.group.entryOf(pending);
    return this.store.contents.letters.burial(this.key(record.stream), record, fields);
  }

  private key(stream: string): string {
    return this.context.keyPrefix + stream;
  }
}

/** @throws InvalidMessageError */
function refuseOdd({ stream, fields }: OutgoingEntry): void {
  if (fields.length > 0 && fields.length % 2 === 0) return;
  throw new InvalidMessageError(`An entry for "${stream}" needs names and values in turn.`);
}

function orError<T>(act: () => T): T | Error {
  try {
    return act();
  } catch (error) {
    return error as Error;
  }
}
