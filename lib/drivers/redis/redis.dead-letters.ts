import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
  DeadLetterRecord,
} from '../../core/dead-letters.js';
import { isEntryId } from '../../core/entry-id.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { Fields } from '../../core/message.js';
import { shown } from '../../core/options/wording.js';
import { chunksOf } from './chunks.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import { textsOf } from './resp/texts-of.js';
import { asWritten, unpackFields } from './scripts/dead-letter.script.js';
import { redrive } from './scripts/redrive.script.js';

/** Entries looked at in one step when all are meant. */
const PAGE = 500;

type Entry = [id: string, fields: string[]];

/** Dead letters in a stream beside each stream. */
export class RedisDeadLetters implements DeadLetterQueue {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async put(record: DeadLetterRecord, fields: Fields): Promise<string> {
    const key = this.keys.deadLetters(record.stream);
    const id = await this.commands.run(
      'storing a dead letter',
      (client) =>
        client.xadd(key, '*', 'dead_letter', JSON.stringify(record), ...fields.map(asWritten)),
      key,
    );
    return id!;
  }

  async list(stream: string, limit: number, after?: string): Promise<DeadLetterPage> {
    if (after !== undefined && !isEntryId(after)) {
      throw new InvalidOptionsError([`after must be next of a page, not ${shown(after)}`]);
    }
    const from = after === undefined ? '-' : `(${after}`;
    const entries = await this.range(stream, from, '+', limit + 1);
    const items = entries.slice(0, limit).map(deadLetterOf);
    const last = items.at(-1);
    return { items, ...(entries.length > limit && last && { next: last.deadLetterId }) };
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    const [letter] = await this.byIds(stream, [deadLetterId]);
    return letter;
  }

  async redrive(stream: string, filter: DeadLetterFilter): Promise<number> {
    let moved = 0;
    await this.each(stream, filter, async (letters) => {
      for (const group of new Set(letters.map((letter) => letter.group))) {
        const same = letters.filter((letter) => letter.group === group);
        moved += await this.redriveTo(stream, group, same);
      }
    });
    return moved;
  }

  async purge(stream: string, filter: DeadLetterFilter): Promise<number> {
    const key = this.keys.deadLetters(stream);
    let purged = 0;
    await this.each(stream, filter, async (letters) => {
      const ids = letters.map((letter) => letter.deadLetterId);
      purged += await this.commands.run(
        'purging dead letters',
        (client) => client.xdel(key, ...ids),
        key,
      );
    });
    return purged;
  }

  private redriveTo(
    stream: string,
    group: string,
    letters: readonly DeadLetter[],
  ): Promise<number> {
    const redriving = {
      deadLetters: this.keys.deadLetters(stream),
      redrive: this.keys.redrive(stream, group),
      group,
      letters: letters.map((letter) => ({
        id: letter.deadLetterId,
        origin: JSON.stringify({ stream: letter.stream, id: letter.id }),
      })),
    };
    return this.commands.run(
      'redriving dead letters',
      (client) => redrive(client, redriving),
      redriving.deadLetters,
    );
  }

  /** Calls back with every dead letter that the filter means, in portions. */
  private async each(
    stream: string,
    { ids, group }: DeadLetterFilter,
    visit: (letters: readonly DeadLetter[]) => Promise<void>,
  ): Promise<void> {
    const visitMeant = async (letters: readonly DeadLetter[]): Promise<void> => {
      const meant = letters.filter((letter) => group === undefined || letter.group === group);
      if (meant.length > 0) await visit(meant);
    };
    if (!ids) return this.eachOfAll(stream, visitMeant);
    for (const some of chunksOf([...new Set(ids)], PAGE)) {
      await visitMeant(await this.byIds(stream, some));
    }
  }

  /** In pages; ends with those that were there at first. */
  private async eachOfAll(
    stream: string,
    visit: (letters: readonly DeadLetter[]) => Promise<void>,
  ): Promise<void> {
    const [newest] = await this.commands.run(
      'listing dead letters',
      (client) => client.xrevrange(this.keys.deadLetters(stream), '+', '-', 'COUNT', 1),
      this.keys.deadLetters(stream),
    );
    if (!newest) return;
    for (let from = '-'; ;) {
      const page = (await this.range(stream, from, newest[0], PAGE)).map(deadLetterOf);
      await visit(page);
      if (page.length < PAGE) return;
      from = `(${page.at(-1)!.deadLetterId}`;
    }
  }

  /** One look-up for each id, sent together. */
  private async byIds(stream: string, ids: readonly string[]): Promise<DeadLetter[]> {
    const looked = await Promise.all(
      ids.filter(isEntryId).map(async (id) => {
        const [entry] = await this.range(stream, id, id, 1);
        // An id without its sequence number finds others.
        return entry?.[0] === id ? [deadLetterOf(entry)] : [];
      }),
    );
    return looked.flat();
  }

  private async range(stream: string, from: string, to: string, count: number): Promise<Entry[]> {
    const key = this.keys.deadLetters(stream);
    return this.commands.run(
      'listing dead letters',
      async (client) =>
        textsOf(await client.xrangeBuffer(key, from, to, 'COUNT', count)) as Entry[],
      key,
    );
  }
}

/** The record stands first; what follows is the message's own, whatever its fields are called. */
function deadLetterOf([deadLetterId, stored]: Entry): DeadLetter {
  const record = JSON.parse(stored[1] ?? '{}') as DeadLetterRecord;
  return { ...record, deadLetterId, fields: unpackFields(stored.slice(2)) };
}
