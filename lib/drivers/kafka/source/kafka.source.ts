import type { OutgoingEntry } from '../../../core/message.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { MessageSource, Settling } from '../../../ports/source.js';
import type { SubscribeOptions, Subscription } from '../../../ports/subscription.js';
import { KAFKA } from './capabilities.js';

/** The parts of the source. Each is whole in a folder of its own. */
export interface SourceParts {
  readonly publishing: Pick<MessageSource, 'publish'>;
  readonly reading: Pick<MessageSource, 'subscribe'> & { silence(): void };
  readonly settling: Pick<MessageSource, 'settle'>;
  /** What is closed with the source, one after the other: what sends first, the connections last. */
  readonly closing: readonly { close(): Promise<void> }[];
}

/** Messages in Kafka: a topic for each stream, a Kafka group for each group on a stream. */
export class KafkaSource implements MessageSource {
  readonly capabilities = KAFKA;
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

  /** Its consumers send nothing more and do not leave their groups, as if the process were dead. For tests. */
  silence(): void {
    this.parts.reading.silence();
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    for (const part of this.parts.closing) await part.close();
  }
}
