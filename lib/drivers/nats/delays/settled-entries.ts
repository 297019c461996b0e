import type { OutgoingEntry } from '../../../core/message.js';
import { isDelayed } from '../../../ports/delays.js';
import { entryMessage, idOf } from '../publishing/entry-message.js';
import type { NatsMessage } from '../publishing/nats-message.js';
import type { Publisher } from '../publishing/publisher.js';
import type { Publishing } from '../publishing/publishing.js';
import type { Subjects } from '../publishing/subjects.js';
import type { Scheduling } from './scheduling.js';

export interface SettledEntriesParts {
  readonly publisher: Pick<Publisher, 'publishAll'>;
  readonly publishing: Pick<Publishing, 'resultOf'>;
  readonly subjects: Subjects;
  readonly scheduling: Scheduling;
}

/** A message under way. One that is published later has a name. */
interface Sending {
  readonly message: NatsMessage;
  readonly name?: string;
}

/** Publishes what settlements publish, at once and later. */
export class SettledEntries {
  constructor(private readonly parts: SettledEntriesParts) {}

  /**
   * Returns one id, or one error, for each entry. One that was published before with the same id,
   * within the server's window, is not published again.
   * @param ids one for each entry, for those without an idempotency key: see `messageId`
   */
  async publish(
    entries: readonly OutgoingEntry[],
    ids: readonly string[],
  ): Promise<(string | Error)[]> {
    const { publisher, publishing, scheduling } = this.parts;
    const sendings = await this.sendings(entries, ids);
    const good = sendings.filter((one): one is Sending => !(one instanceof Error));
    const outcomes = await publisher.publishAll(good.map(({ message }) => message));
    let next = 0;
    const results = sendings.map(async (one) => {
      if (one instanceof Error) return one;
      const outcome = outcomes[next++]!;
      const { name } = one;
      return name === undefined ? publishing.resultOf(outcome) : scheduling.resultOf(outcome, name);
    });
    return Promise.all(results);
  }

  private async sendings(
    entries: readonly OutgoingEntry[],
    ids: readonly string[],
  ): Promise<(Sending | Error)[]> {
    const { subjects, scheduling } = this.parts;
    const delayed = entries.filter(isDelayed);
    const schedule = delayed.length > 0 ? await scheduling.begin(delayed) : undefined;
    return entries.map((entry, index) => {
      const subject = subjects.of(entry.stream);
      const id = idOf(entry, subject) ?? ids[index];
      if (isDelayed(entry)) return schedule!(entry, id);
      const message = entryMessage(entry, subject, id);
      return message instanceof Error ? message : { message };
    });
  }
}
