import { chunksOf } from '../../core/collections/chunks.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { Fields } from '../../core/message.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from '../../ports/dead-letters.js';

/** Dead letters that are listed by one request, and that are redriven at once. */
const PAGE = 100;

/**
 * A dead letter queue of another driver than the message source's. That driver would hand a message
 * back to streams of its own, which no consumer reads. So a redrive puts the letter into the queue
 * of the source, redrives it from there, then deletes it from this queue. A process that dies in
 * between leaves the letter: a further redrive runs the message again, and none is lost.
 */
export class ApartDeadLetters implements DeadLetterQueue {
  /** @param own the queue of the message source. Undefined: the source cannot redrive */
  constructor(
    private readonly queue: DeadLetterQueue,
    private readonly own: DeadLetterQueue | undefined,
    private readonly technology: string,
  ) {}

  put(record: DeadLetterRecord, fields: Fields): Promise<string> {
    return this.queue.put(record, fields);
  }

  list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    return this.queue.list(stream, limit, after);
  }

  get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    return this.queue.get(stream, deadLetterId);
  }

  purge(stream: string, filter: DeadLetterFilter): Promise<number> {
    return this.queue.purge(stream, filter);
  }

  /** @throws UnsupportedFeatureError where the message source has no dead letters */
  async redrive(stream: string, filter: DeadLetterFilter): Promise<number> {
    const { own } = this;
    if (!own) {
      const advice = 'Publish the messages again, or use a driver that has the port deadLetters.';
      throw new UnsupportedFeatureError('Redriving dead letters', this.technology, advice);
    }
    const group = filter.group;
    let moved = 0;
    for (const some of chunksOf(filter.ids ?? (await this.all(stream)), PAGE)) {
      const each = [...new Set(some)].map((id) => this.move(own, stream, id, group));
      for (const count of await Promise.all(each)) moved += count;
    }
    return moved;
  }

  /** The ids of the letters that exist now: a message that fails again is not redriven again. */
  private async all(stream: string): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.queue.list(stream, PAGE, after);
      ids.push(...page.items.map(({ deadLetterId }) => deadLetterId));
      after = page.next;
    } while (after !== undefined);
    return ids;
  }

  /** @returns how many letters were redriven: 1 or 0 */
  private async move(
    own: DeadLetterQueue,
    stream: string,
    id: string,
    group: string | undefined,
  ): Promise<number> {
    const letter = await this.queue.get(stream, id);
    if (!letter || (group !== undefined && letter.group !== group)) return 0;
    const { deadLetterId: _, fields, ...record } = letter;
    const moved = await own.redrive(stream, { ids: [await own.put(record, fields)] });
    if (moved > 0) await this.queue.purge(stream, { ids: [id] });
    return moved;
  }
}
