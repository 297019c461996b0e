import type { Fields } from '../../core/message.js';
import type { Commands } from './commands.js';
import { textsOf } from './resp/texts-of.js';

/** An entry of a pending list with its delivery count. */
export interface PendingEntry {
  readonly id: string;
  readonly count: number;
}

type Row = [id: string, consumer: string, idle: number, count: number];
type Stored = [id: string, fields: string[]];

const PAGE = 1000;

/** Looks into the pending list of one group, and fetches what is listed there. */
export class PendingEntries {
  constructor(
    private readonly commands: Commands,
    private readonly group: string,
  ) {}

  /** Everything pending to one consumer for at least `minIdle` ms, page by page. */
  async pendingTo(consumer: string, key: string, minIdle: number): Promise<PendingEntry[]> {
    const found: PendingEntry[] = [];
    for (let start = '-'; ; start = `(${found.at(-1)!.id}`) {
      const rows = (await this.commands.run(
        'listing pending entries',
        (client) => client.xpending(key, this.group, 'IDLE', minIdle, start, '+', PAGE, consumer),
        key,
      )) as Row[];
      for (const [id, , , count] of rows) found.push({ id, count });
      if (rows.length < PAGE) return found;
    }
  }

  /** Those of the ids that are pending to anybody. */
  async stillPending(key: string, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.commands.run(
      'listing pending entries',
      (client) => Promise.all(ids.map((id) => client.xpending(key, this.group, id, id, 1))),
      key,
    );
    return new Set(ids.filter((_, index) => rows[index]!.length > 0));
  }

  /** Their data. What has none any more leaves the pending list, and is counted. */
  async fetch(
    key: string,
    entries: readonly PendingEntry[],
  ): Promise<{ found: (PendingEntry & { fields: Fields })[]; deleted: number }> {
    const stored = await this.commands.run(
      'fetching pending entries',
      (client) =>
        Promise.all(
          entries.map(
            async ({ id }) => textsOf(await client.xrangeBuffer(key, id, id)) as Stored[],
          ),
        ),
      key,
    );
    const found: (PendingEntry & { fields: Fields })[] = [];
    const deleted: string[] = [];
    for (const [index, entry] of entries.entries()) {
      const [data] = stored[index]!;
      if (data) found.push({ ...entry, fields: data[1] });
      else deleted.push(entry.id);
    }
    if (deleted.length > 0) await this.drop(key, deleted);
    return { found, deleted: deleted.length };
  }

  private async drop(key: string, ids: readonly string[]): Promise<void> {
    await this.commands.run(
      'dropping entries without data',
      (client) => client.xack(key, this.group, ...ids),
      key,
    );
  }
}
