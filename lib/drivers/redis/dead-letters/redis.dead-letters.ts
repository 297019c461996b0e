import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type {
  DeadLetter,
  DeadLetterFilter,
  DeadLetterPage,
  DeadLetterQueue,
} from '../../../ports/dead-letters.js';
import { refuseLetterIds, refusePageStart } from '../../entry-ids/entry-id-format.js';
import { isEntryId } from '../../entry-ids/entry-id.js';
import type { Fields } from '../../../core/message.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import type { Commands } from '../connection/commands.js';
import { REPLY_BYTES } from '../held-entries/entry-sizes.js';
import type { Keys } from '../keys/keys.js';
import { asWritten, unpackFields } from '../scripting/stored-fields.js';
import { listLetters, type LetterEntry, type LetterRange } from './list-letters.script.js';
import { newestLetter } from './newest-letter.script.js';
import { redrive } from './redrive.script.js';

/** Entries that one step looks at when the filter names no ids. */
const PAGE = 500;

/** Stores dead letters in a stream beside each stream. */
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
    refusePageStart(after);
    const from = after === undefined ? '-' : `(${after}`;
    // A page of large letters has fewer than asked for. The next page goes on behind the last of
    // them.
    const { entries, more } = await this.range(stream, { from, to: '+', most: limit });
    const items = entries.map(deadLetterOf);
    const last = items.at(-1);
    return { items, ...(more && last && { next: last.deadLetterId }) };
  }

  count(stream: string): Promise<number> {
    const key = this.keys.deadLetters(stream);
    return this.commands.run('counting dead letters', (client) => client.xlen(key), key);
  }

  async get(stream: string, deadLetterId: string): Promise<DeadLetter | undefined> {
    const [letter] = await this.byIds(stream, [deadLetterId], false);
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

  /** Calls back with every dead letter that the filter selects, in portions. */
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
    refuseLetterIds(ids);
    for (const some of chunksOf([...new Set(ids)], PAGE)) {
      await visitMeant(await this.byIds(stream, some));
    }
  }

  /** Reads in pages. Ends with the letters that existed at the start. */
  private async eachOfAll(
    stream: string,
    visit: (letters: readonly DeadLetter[]) => Promise<void>,
  ): Promise<void> {
    const key = this.keys.deadLetters(stream);
    const newest = await this.commands.run(
      'listing dead letters',
      (client) => newestLetter(client, key),
      key,
    );
    if (newest === undefined) return;
    for (let from = '-'; ;) {
      const range = { from, to: newest, most: PAGE };
      const { entries, more } = await this.range(stream, range, true);
      const page = entries.map(deadLetterOf);
      await visit(page);
      if (!more) return;
      from = `(${page.at(-1)!.deadLetterId}`;
    }
  }

  /** Sends one look-up per id, all together, without the messages where there are many ids. */
  private async byIds(
    stream: string,
    ids: readonly string[],
    recordsOnly = true,
  ): Promise<DeadLetter[]> {
    const looked = await Promise.all(
      ids.filter(isEntryId).map(async (id) => {
        const one = { from: id, to: id, most: 1 };
        const [entry] = (await this.range(stream, one, recordsOnly)).entries;
        // An id without its sequence number also matches other ids.
        return entry?.[0] === id ? [deadLetterOf(entry)] : [];
      }),
    );
    return looked.flat();
  }

  private range(
    stream: string,
    range: Pick<LetterRange, 'from' | 'to' | 'most'>,
    recordsOnly = false,
  ): Promise<{ readonly entries: readonly LetterEntry[]; readonly more: boolean }> {
    const key = this.keys.deadLetters(stream);
    return this.commands.run(
      'listing dead letters',
      (client) => listLetters(client, key, { ...range, bytes: REPLY_BYTES, recordsOnly }),
      key,
    );
  }
}

/** The record comes first. The fields behind it are the message's own, also those named `dead_letter`. */
function deadLetterOf([deadLetterId, stored]: LetterEntry): DeadLetter {
  const record = JSON.parse(stored[1] ?? '{}') as DeadLetterRecord;
  return { ...record, deadLetterId, fields: unpackFields(stored.slice(2)) };
}
