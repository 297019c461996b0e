import {
  GroupNotFoundError,
  InvalidMessageError,
  InvalidOptionsError,
  type DeadLetterRecord,
  type DriverContext,
  type MessageSource,
  type OutgoingEntry,
  type SettleOutcome,
  type Settling,
  type SubscribeOptions,
  type Subscription,
} from 'nestjs-redis-streams/driver';
import type { Change } from './changes.js';
import { Feed, type FileLease } from './feed.js';
import { FILE_CAPABILITIES } from './file.capabilities.js';
import { FILE_IDS } from './file.ids.js';
import { FileSubscription } from './file.subscription.js';
import type { Group } from './group.js';
import type { Store } from './store.js';

export class FileSource implements MessageSource {
  readonly capabilities = FILE_CAPABILITIES;

  constructor(
    private readonly store: Store,
    private readonly context: DriverContext,
    /** Closes the store, where no other driver uses it. */
    readonly close: () => Promise<void>,
  ) {}

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
    const { streams, consumer } = options;
    const feeds = streams.map((stream) => {
      return new Feed(stream, this.begun(stream, options), consumer, this.store);
    });
    this.store.flush();
    return new FileSubscription(this.store, feeds, options, this.context);
  }

  /** A group goes on where it was. A new one begins where the options say. */
  private begun(stream: string, { group, startId, createGroup }: SubscribeOptions): Group {
    if (startId !== '$' && !FILE_IDS.accepts(startId)) {
      throw new InvalidOptionsError([
        `startId must be '0', '$' or ${FILE_IDS.expected}, not '${startId}'`,
      ]);
    }
    const found = this.store.contents.group(this.key(stream), group);
    if (found.read !== undefined) return found;
    if (createGroup === false) throw new GroupNotFoundError(stream, group);
    const { lastId } = found.log;
    const to = startId === '$' ? lastId : Math.min(Number(startId), lastId);
    this.store.commit([{ do: 'read', ...found.name, to }]);
    return found;
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
  // #endregion

  /** Nothing before the oldest pending entry is pending. Undefined: the group has settled nothing. */
  async settledUpTo(stream: string, group: string): Promise<string | undefined> {
    const upTo = this.store.contents.group(this.key(stream), group).settledUpTo();
    return upTo > 0 ? String(upTo) : undefined;
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
