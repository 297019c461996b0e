import type { OutgoingEntry } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { MessageSource, Settling } from '../../../ports/source.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import { JETSTREAM } from './capabilities.js';

/** The parts of the source. Each is whole in a folder of its own. */
export interface SourceParts {
  readonly publishing: Pick<MessageSource, 'publish'>;
  readonly reading: Pick<MessageSource, 'subscribe'>;
  readonly settling: Pick<MessageSource, 'settle'>;
  readonly settledUpTo: NonNullable<MessageSource['settledUpTo']>;
  /** What is closed with the source, one after the other: what sends first, the connection last. */
  readonly closing: readonly { close(): Promise<void> }[];
}

/** Messages in JetStream: a stream for each stream, a durable consumer for each group. */
export class NatsSource implements MessageSource {
  readonly capabilities = JETSTREAM;
  private closed: Promise<void> | undefined;

  constructor(private readonly parts: SourceParts) {}

  publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    return this.parts.publishing.publish(entries);
  }

  subscribe(options: SubscribeOptions): Promise<Subscription> {
    return this.parts.reading.subscribe(options);
  }

  settle(batch: readonly Settling[]): Promise<(SettleOutcome | Error)[]> {
    return this.parts.settling.settle(batch);
  }

  settledUpTo(stream: string, group: string): Promise<string | undefined> {
    return this.parts.settledUpTo(stream, group);
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    for (const part of this.parts.closing) await part.close();
  }
}
