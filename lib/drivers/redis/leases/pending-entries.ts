import type { Fields } from '../../../core/message.js';
import type { Commands } from '../connection/commands.js';
import type { Fenced } from '../scripting/fence.js';
import { uncharge } from './release.script.js';
import { FETCH_AT_ONCE, fetchEntries } from './fetch-entries.script.js';

/** An entry of a pending list with its delivery count. */
export interface PendingEntry {
  readonly id: string;
  readonly count: number;
}

type Row = [id: string, consumer: string, idle: number, count: number];

/** How long it has been idle, ms. */
export interface IdleEntry extends PendingEntry {
  readonly idle: number;
}

export interface FetchedEntry extends PendingEntry {
  readonly fields: Fields;
}

export interface Fetched {
  readonly found: readonly FetchedEntry[];
  /** Entries without data. */
  readonly deleted: number;
  /** What did not fit. */
  readonly rest: readonly PendingEntry[];
}

const PAGE = 1000;

/** Looks into the pending list of one group, and fetches what is listed there. */
export class PendingEntries {
  constructor(
    private readonly commands: Commands,
    private readonly group: string,
  ) {}

  /** Everything pending to one consumer for at least `minIdle` ms, page by page. */
  async pendingTo(consumer: string, key: string, minIdle: number): Promise<IdleEntry[]> {
    const found: IdleEntry[] = [];
    for (let start = '-'; ; start = `(${found.at(-1)!.id}`) {
      const rows = (await this.commands.run(
        'listing pending entries',
        (client) => client.xpending(key, this.group, 'IDLE', minIdle, start, '+', PAGE, consumer),
        key,
      )) as Row[];
      for (const [id, , idle, count] of rows) found.push({ id, count, idle });
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

  /**
   * Their data, of as many as fit into `bytes`: of one at least. What has none any more leaves the
   * pending list, and is counted.
   */
  async fetch(key: string, entries: readonly PendingEntry[], bytes: number): Promise<Fetched> {
    const asked = entries.slice(0, FETCH_AT_ONCE);
    const stored = await this.commands.run(
      'fetching pending entries',
      (client) => {
        const ids = asked.map(({ id }) => id);
        return fetchEntries(client, { key, ids, bytes });
      },
      key,
    );
    const found: FetchedEntry[] = [];
    const deleted: string[] = [];
    for (const [index, fields] of stored.entries()) {
      if (fields) found.push({ ...asked[index]!, fields });
      else deleted.push(asked[index]!.id);
    }
    if (deleted.length > 0) await this.drop(key, deleted);
    return { found, deleted: deleted.length, rest: entries.slice(stored.length) };
  }

  /** Takes back runs that were counted and did not begin. Not of entries that are others' by now. */
  async uncharge(
    key: string,
    entries: readonly PendingEntry[],
    owner: Pick<Fenced, 'consumer' | 'guards'>,
  ): Promise<PendingEntry[]> {
    const { consumer, guards } = owner;
    const { group } = this;
    const words = await this.commands.run(
      'taking back runs',
      (client) =>
        Promise.all(
          entries.map((one) => uncharge(client, { ...one, key, group, consumer, guards })),
        ),
      key,
    );
    return entries.flatMap((one, index) =>
      words[index] === 'settled' ? [{ id: one.id, count: one.count - 1 }] : [],
    );
  }

  /** The data of all of them, in as many requests of at most `bytes` as it takes. */
  async fetchAll(
    key: string,
    entries: readonly PendingEntry[],
    bytes: number,
  ): Promise<Omit<Fetched, 'rest'>> {
    const found: FetchedEntry[] = [];
    let deleted = 0;
    for (let rest = entries; rest.length > 0;) {
      const page = await this.fetch(key, rest, bytes);
      found.push(...page.found);
      deleted += page.deleted;
      rest = page.rest;
    }
    return { found, deleted };
  }

  private async drop(key: string, ids: readonly string[]): Promise<void> {
    await this.commands.run(
      'dropping entries without data',
      (client) => client.xack(key, this.group, ...ids),
      key,
    );
  }
}
