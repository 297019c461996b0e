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

/** How long the entry has been idle, in milliseconds. */
export interface IdleEntry extends PendingEntry {
  readonly idle: number;
}

export interface FetchedEntry extends PendingEntry {
  readonly fields: Fields;
}

export interface Fetched {
  readonly found: readonly FetchedEntry[];
  /** Number of entries without data. */
  readonly deleted: number;
  /** Entries that did not fit. */
  readonly rest: readonly PendingEntry[];
}

const PAGE = 1000;

/** Reads the pending list of one group, and fetches entries of it. */
export class PendingEntries {
  constructor(
    private readonly commands: Commands,
    private readonly group: string,
  ) {}

  /**
   * All entries that are pending to one consumer for at least `minIdle` milliseconds, page by page.
   */
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

  /** Those of the ids that are pending to any consumer. */
  async stillPending(key: string, ids: readonly string[]): Promise<Set<string>> {
    const rows = await this.commands.run(
      'listing pending entries',
      (client) => Promise.all(ids.map((id) => client.xpending(key, this.group, id, id, 1))),
      key,
    );
    return new Set(ids.filter((_, index) => rows[index]!.length > 0));
  }

  /**
   * Fetches the data of as many entries as fit into `bytes`: at least one. Entries without data
   * leave the pending list, and are counted.
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

  /**
   * Takes back runs that were counted and did not begin. Skips entries that other consumers own by
   * now.
   */
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

  /** Fetches the data of all entries, in as many requests of at most `bytes` as it takes. */
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
