import { OpenSubscriptions } from '../connections/open-subscriptions.js';
import { systemClock, within } from '../../core/clock.js';
import type { EventBus } from '../../core/event-bus.js';
import type { OutgoingEntry } from '../../core/message.js';
import type { SettleOutcome } from '../../core/settlement.js';
import type { MessageSource, Settling } from '../../ports/source.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';
import type { SqlTransaction } from '../../ports/sql-transaction.js';
import type { SubscribeOptions, Subscription } from '../../ports/subscription.js';
import type { Database } from './connection/database.js';
import type { Hints } from './connection/hints.js';
import type { Listener } from './connection/listener.js';
import { SettledUpTo } from './groups/settled-up-to.js';
import { refuseStartId } from './ids/refuse-ids.js';
import { publishWithin } from './transactions/publish-within.js';
import { Publishing } from './publishing/publishing.js';
import { PostgresSubscription } from './reading/postgres.subscription.js';
import { settleAll } from './settling/settling.js';
import { refuseLongNames } from './sql/name-limit.js';
import type { Streams } from './streams/streams.js';

/** Longest wait for messages that are being published, in milliseconds. */
const FAREWELL = 1000;

export interface PostgresSourceOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly hints: Hints;
  readonly streams: Streams;
  readonly events: EventBus;
  readonly keyPrefix: string;
  /** Answers to requests. They are written before what is settled after them. */
  readonly replies: { flushed(): Promise<void> | undefined };
  /** Called after messages were stored that are published later. */
  readonly onScheduled: (entries: readonly OutgoingEntry[]) => void;
  /** What is closed with the source, before its connections. */
  readonly beside: readonly { close(): Promise<void> }[];
}

/** Messages in tables, with one row for each group and message that is not settled. */
export class PostgresSource implements MessageSource {
  readonly capabilities: SourceCapabilities = Object.freeze({
    technology: 'postgres',
    redelivers: false,
    holds: 'entry',
    leaves: true,
    keepsReleasedOrder: true,
    delivery: 'at-least-once',
    positions: 'source',
    atomicPublish: true,
    atomicDeadLetter: true,
    durableAttempts: true,
    extends: true,
    idempotentPublish: true,
  });
  private readonly subscriptions = new OpenSubscriptions<PostgresSubscription>();
  private readonly publishing: Publishing;
  private readonly settled: SettledUpTo;

  constructor(private readonly parts: PostgresSourceOptions) {
    this.publishing = new Publishing(parts);
    this.settled = new SettledUpTo(parts.database, parts.streams);
  }

  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return this.publishing.publish(entries);
  }

  publishWithin(transaction: SqlTransaction, entries: readonly OutgoingEntry[]): Promise<string[]> {
    return publishWithin(transaction, entries, this.parts);
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    refuseStartId(options.startId);
    refuseLongNames(options);
    return this.subscriptions.open(
      (onClosed) => new PostgresSubscription(options, { ...this.parts, onClosed }),
    );
  }

  async settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    await this.parts.replies.flushed();
    return settleAll(batch, this.parts);
  }

  settledUpTo(stream: string, group: string): Promise<string | undefined> {
    return this.settled.of(stream, group);
  }

  async close(): Promise<void> {
    await within(systemClock, FAREWELL, this.publishing.idle());
    await this.subscriptions.close();
    await Promise.all(this.parts.beside.map((part) => part.close()));
    await this.parts.hints.flush();
    await this.parts.listener.close();
    await this.parts.database.close();
  }
}
