import type { Settling, MessageSource } from '../../ports/source.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';
import type { SettleOutcome } from '../../core/settlement.js';
import type { Subscription } from '../../ports/subscription.js';
import type { Database } from './connection/database.js';
import type { Hints } from './connection/hints.js';
import type { Listener } from './connection/listener.js';
import type { Streams } from './streams/streams.js';

export interface PostgresSourceOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly hints: Hints;
  readonly streams: Streams;
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

  constructor(private readonly parts: PostgresSourceOptions) {}

  async publish(): Promise<(string | Error)[]> {
    throw new Error('not here yet');
  }

  async subscribe(): Promise<Subscription> {
    throw new Error('not here yet');
  }

  async settle(_batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    throw new Error('not here yet');
  }

  async close(): Promise<void> {
    await Promise.all(this.parts.beside.map((part) => part.close()));
    await this.parts.hints.flush();
    await this.parts.listener.close();
    await this.parts.database.close();
  }
}
