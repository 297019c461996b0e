import type { OutgoingEntry } from '../../../core/message.js';
import { entryMessage } from './entry-message.js';
import type { NatsMessage, Stored } from './nats-message.js';
import type { Outcome } from './outgoing.js';
import type { Publisher } from './publisher.js';
import type { Subjects } from './subjects.js';

export interface PublishingParts {
  readonly publisher: Pick<Publisher, 'publishAll'>;
  readonly subjects: Subjects;
  /** The id of the message that was published before with the same idempotency key. */
  readonly firstId: (stored: Stored) => Promise<string>;
}

type Result = string | Error;

/** Publishes entries at once. Returns one id, or one error, for each. */
export class Publishing {
  constructor(private readonly parts: PublishingParts) {}

  async publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    const { publisher, subjects } = this.parts;
    const messages = entries.map((entry) => entryMessage(entry, subjects.of(entry.stream)));
    const good = messages.filter((message): message is NatsMessage => !(message instanceof Error));
    const outcomes = good.length > 0 ? await publisher.publishAll(good) : [];
    let next = 0;
    const results = messages.map(async (message) =>
      message instanceof Error ? message : this.resultOf(outcomes[next++]!),
    );
    return Promise.all(results);
  }

  /** The id of a message that was published at once, or its error. */
  async resultOf(outcome: Outcome): Promise<Result> {
    if (outcome instanceof Error) return outcome;
    return outcome.duplicate ? this.parts.firstId(outcome) : String(outcome.seq);
  }
}
