import { refuseStartId } from '../entry-ids/entry-id-format.js';
import { settledUpTo } from '../entry-ids/group-position.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import { InvalidMessageError } from '../../core/errors/publishing.errors.js';
import { ClosedError } from '../../core/errors/start-up.errors.js';
import type { DriverContext } from '../../ports/driver.js';
import type { OutgoingEntry } from '../../core/message.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type { Ack, DeadLetterIt, SettleOutcome } from '../../core/settlement.js';
import type { MessageSource, Settling } from '../../ports/source.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';
import type { Subscription, SubscribeOptions } from '../../ports/subscription.js';
import { asFeedLease, Feed, type FeedLease } from './reading/feed.js';
import type { GroupedLog } from './broker/grouped-log.js';
import type { MemoryBroker } from './broker/memory.broker.js';
import { MemorySubscription } from './reading/memory.subscription.js';

const capabilities: SourceCapabilities = Object.freeze({
  technology: 'memory',
  redelivers: false,
  holds: 'entry',
  leaves: true,
  keepsReleasedOrder: true,
  delivery: 'at-least-once',
  positions: 'source',
  atomicPublish: true,
  atomicDeadLetter: true,
  durableAttempts: false,
  extends: true,
  idempotentPublish: true,
});

/** One connection to a broker. */
export class MemorySource implements MessageSource {
  readonly capabilities = capabilities;
  private readonly subscriptions = new Set<MemorySubscription>();
  closed = false;

  constructor(
    private readonly broker: MemoryBroker,
    private readonly context: DriverContext,
  ) {}

  async publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    if (this.closed) return entries.map(() => new ClosedError('The memory driver'));
    const results = entries.map((entry) => problemOf(entry) ?? this.publishOne(entry));
    this.broker.wake();
    return results;
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    if (this.closed) throw new ClosedError('The memory driver');
    refuseStartId(options.startId);
    if (options.createGroup === false) this.refuseMissing(options);
    const feeds = [...new Set(options.streams)].flatMap((stream) => this.feedsOf(stream, options));
    const subscription = new MemorySubscription(this.broker, feeds, options, (closed) =>
      this.subscriptions.delete(closed),
    );
    this.subscriptions.add(subscription);
    return subscription;
  }

  async settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    if (this.closed) return batch.map(() => new ClosedError('The memory driver'));
    const outcomes = batch.map((settling) => this.carryOut(settling));
    this.broker.wake();
    return outcomes;
  }

  async settledUpTo(stream: string, group: string): Promise<string | undefined> {
    if (this.closed) throw new ClosedError('The memory driver');
    const found = this.broker.stream(this.key(stream)).log.find(group);
    if (!found) return undefined;
    const [oldest] = found.allPending.values();
    return settledUpTo(found.lastDeliveredId, oldest?.id);
  }

  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
  }

  private carryOut(settling: Settling): SettleOutcome | Error {
    const { settlement } = settling;
    const lease = asFeedLease(settling.lease);
    if (!lease) return new TypeError('This lease was not made by the memory driver.');
    switch (settlement.kind) {
      case 'ack':
        return this.acknowledge(lease, settlement);
      case 'retry':
        return lease.feed.park(lease, settlement.uncharged);
      case 'release':
        return settlement.elsewhere ? lease.feed.offer(lease) : lease.feed.release(lease);
      case 'leave':
        return lease.feed.leave(lease);
      case 'dead-letter':
        return 'record' in settling
          ? this.giveUp(lease, settlement, settling.record)
          : new TypeError('A dead letter needs its record.');
    }
  }

  private acknowledge(lease: FeedLease, { publish = [], completes }: Ack): SettleOutcome | Error {
    const { completed } = this.broker.stream(this.key(lease.stream));
    const doneBefore = publish.length > 0 && completes && completed.isDone(completes.claim);
    const outcome = this.finish(lease, doneBefore ? [] : publish);
    if (outcome === 'settled' && completes) completed.complete(completes);
    return outcome;
  }

  private finish(lease: FeedLease, publish: readonly OutgoingEntry[]): SettleOutcome | Error {
    const fence = publish.length === 0 ? lease.feed.plainFence() : lease.feed.fence(lease);
    if (fence !== 'owned') return fence;
    for (const entry of publish) {
      const problem = problemOf(entry);
      if (problem) return problem;
    }
    for (const entry of publish) this.publishNext(entry);
    lease.feed.finish(lease);
    return 'settled';
  }

  private giveUp(
    lease: FeedLease,
    { action }: DeadLetterIt,
    record: DeadLetterRecord,
  ): SettleOutcome {
    return action === 'hold' ? lease.feed.hold(lease, record) : this.deadLetter(lease, record);
  }

  private deadLetter(lease: FeedLease, record: DeadLetterRecord): SettleOutcome {
    const fence = lease.feed.fence(lease);
    if (fence !== 'owned') return fence;
    const fields = lease.feed.fieldsOf(lease) ?? [];
    this.broker.stream(this.key(record.stream)).bury(record, fields, this.broker.clock.wallTime());
    lease.feed.finish(lease);
    return 'settled';
  }

  private publishOne(entry: OutgoingEntry): string {
    const { idempotency } = entry;
    if (!idempotency) return this.append(entry);
    const { published } = this.broker.stream(this.key(entry.stream));
    const first = published.find(idempotency.key);
    if (first !== undefined) return first;
    const id = this.append(entry);
    published.remember(idempotency, id);
    return id;
  }

  private publishNext(entry: OutgoingEntry): void {
    const { stream, fields, when } = entry;
    if (when) this.broker.delay(this.key(stream), fields, when);
    else this.append(entry);
  }

  private append({ stream, fields }: OutgoingEntry): string {
    return this.broker.append(this.key(stream), fields);
  }

  /** @throws GroupNotFoundError, StreamNotFoundError */
  private refuseMissing({ streams, group }: SubscribeOptions): void {
    for (const stream of streams) {
      const { log } = this.broker.stream(this.key(stream));
      if (!log.exists) throw new StreamNotFoundError(stream);
      if (!log.find(group)) throw new GroupNotFoundError(stream, group);
    }
  }

  /** The stream itself, and the messages redriven to this group. */
  private feedsOf(stream: string, options: SubscribeOptions): Feed[] {
    const { group: groupName, consumer, idleTimeout, startId } = options;
    const { clock } = this.broker;
    const { events } = this.context;
    const data = this.broker.stream(this.key(stream));
    const allowed = () => this.broker.allows(options.guards);
    const takesOver = options.guards !== undefined && options.guards.length > 0;
    const isReading = (name: string) =>
      this.broker.registry.isReading(this.key(stream), groupName, name);
    const own = { stream, groupName, consumer, idleTimeout, takesOver, isReading };
    const common = { ...own, clock, events, allowed };
    const feedOf = (log: GroupedLog, begin: string, redriven: boolean) =>
      new Feed({ ...common, entries: log.entries, group: log.group(groupName, begin), redriven });
    return [feedOf(data.log, startId, false), feedOf(data.redrivenTo(groupName), '0', true)];
  }

  private key(stream: string): string {
    return this.context.keyPrefix + stream;
  }
}

/** Refuses what Redis would refuse. */
export function problemOf({ stream, fields }: OutgoingEntry): Error | undefined {
  if (fields.length > 0 && fields.length % 2 === 0) return undefined;
  return new InvalidMessageError(
    `An entry for "${stream}" needs names and values in turn, at least one of each.`,
  );
}
