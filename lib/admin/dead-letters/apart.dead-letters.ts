import { isDeepStrictEqual } from 'node:util';
import { chunksOf } from '../../core/collections/chunks.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { Fields } from '../../core/message.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from '../../ports/dead-letters.js';

/** Dead letters that are listed by one request, and that are redriven at once. */
const PAGE = 100;

/** Begins the ids of letters in the queue of the source. */
const IN_SOURCE = 'source:';

/**
 * A dead letter queue of another driver than the message source's. That driver would hand a message
 * back to streams of its own, which no consumer reads. So a redrive puts the letter into the queue
 * of the source, redrives it from there, then deletes it from this queue. A process that dies in
 * between leaves the letter: a further redrive runs the message again, and none is lost. It may also
 * leave a copy in the queue of the source. So what is in that queue is listed last, redriven and purged,
 * too: also letters from a time when the source kept all of them.
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

  async list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    if (after !== undefined && isInSource(after)) return this.listOwn(stream, limit, after);
    const page = await this.queue.list(stream, limit, after);
    if (page.next !== undefined) return page;
    const room = limit - page.items.length;
    const rest = await this.listOwn(stream, Math.max(room, 1));
    if (room > 0) return { ...rest, items: [...page.items, ...rest.items] };
    return rest.items.length > 0 ? { ...page, next: IN_SOURCE } : page;
  }

  /** Without what an interrupted redrive has left in the queue of the source. */
  get count(): DeadLetterQueue['count'] {
    const { queue } = this;
    return queue.count && ((stream) => queue.count!(stream));
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    if (!isInSource(deadLetterId)) return this.queue.get(stream, deadLetterId);
    const found = await this.own?.get(stream, ownId(deadLetterId));
    return found && inSource(found);
  }

  async purge(stream: string, filter: DeadLetterFilter): Promise<number> {
    const { apart, own } = divided(filter);
    const purged = apart ? await this.queue.purge(stream, apart) : 0;
    return own && this.own ? purged + (await this.own.purge(stream, own)) : purged;
  }

  /** @throws UnsupportedFeatureError where the message source has no dead letters */
  async redrive(stream: string, filter: DeadLetterFilter): Promise<number> {
    const { own } = this;
    if (!own) {
      const advice = 'Publish the messages again, or use a driver that has the port deadLetters.';
      throw new UnsupportedFeatureError('Redriving dead letters', this.technology, advice);
    }
    const selected = divided(filter);
    // First, so that a copy that is made from now on is redriven once.
    let moved = selected.own ? await own.redrive(stream, selected.own) : 0;
    const ids = filter.ids ? (selected.apart?.ids ?? []) : await this.all(stream);
    for (const some of chunksOf(ids, PAGE)) {
      const each = [...new Set(some)].map((id) => this.move(own, stream, id, filter.group));
      for (const count of await Promise.all(each)) moved += count;
    }
    return moved;
  }

  private async listOwn(stream: string, limit: number, after = IN_SOURCE): Promise<DeadLetterPage> {
    const page = await this.own?.list(stream, limit, ownId(after) || undefined);
    if (!page || (await this.isSame(stream, page.items[0]))) return { items: [] };
    const { items, next } = page;
    return { items: items.map(inSource), ...(next !== undefined && { next: IN_SOURCE + next }) };
  }

  /**
   * Whether the queue of the source is this one: two drivers with different options may be on one server.
   * Then each letter is in both, under one id.
   */
  private async isSame(stream: string, letter: DeadLetter | undefined): Promise<boolean> {
    if (!letter) return false;
    const found = await this.queue.get(stream, letter.deadLetterId).catch(() => undefined);
    return isDeepStrictEqual(found, letter);
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

const isInSource = (id: string): boolean => id.startsWith(IN_SOURCE);

const ownId = (id: string): string => id.slice(IN_SOURCE.length);

const inSource = (letter: DeadLetter): DeadLetter => ({
  ...letter,
  deadLetterId: IN_SOURCE + letter.deadLetterId,
});

/** What a filter selects in each queue. Undefined: nothing. */
function divided(filter: DeadLetterFilter): {
  readonly apart: DeadLetterFilter | undefined;
  readonly own: DeadLetterFilter | undefined;
} {
  const { ids } = filter;
  if (!ids) return { apart: filter, own: filter };
  const [apart, own] = [
    ids.filter((id) => !isInSource(id)),
    ids.filter(isInSource).map((id) => ownId(id)),
  ];
  return {
    apart: apart.length > 0 ? { ...filter, ids: apart } : undefined,
    own: own.length > 0 ? { ...filter, ids: own } : undefined,
  };
}
