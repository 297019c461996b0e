import { systemClock } from '../../../core/clock.js';
import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import { EntryTooLargeError } from '../../../core/errors/server.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Commands } from '../connection/commands.js';
import type { EntrySizes } from './entry-sizes.js';
import type { Fetched, PendingEntries, PendingEntry } from './pending-entries.js';
import type { ReadKey } from './redis.lease.js';
import { replyLimit } from './reply-limit.js';
import { measureEntry } from './measure-entry.script.js';

/**
 * A connection that ends within this time after a request was ended by its reply, in milliseconds.
 */
export const AT_ONCE = 1000;
/** After a reply that broke the connection this many entries are fetched one by one. */
const ONE_BY_ONE = 20;
/** An entry that broke the connection this often, alone, is too large. */
const TRIES = 2;
/** Time after which an entry that is too large is tried again, in milliseconds. */
const RARELY = 300_000;

export interface CarefulFetchOptions {
  readonly commands: Commands;
  readonly events: EventBus;
  readonly group: string;
  readonly entries: PendingEntries;
  readonly sizes: EntrySizes;
}

/**
 * Fetches entries. An entry whose reply breaks the connection stays pending, and holds up no
 * others.
 */
export class CarefulFetch {
  private oneByOne = 0;
  /** Tries of entries that broke the connection, by key and id. */
  private readonly broke = new Map<string, number>();
  /** When entries that are too large are tried again. */
  private readonly tooLarge = new Map<string, number>();

  constructor(private readonly options: CarefulFetchOptions) {}

  /** Whether the entry is left pending for now. */
  isTooLarge({ key }: ReadKey, id: string): boolean {
    if (this.tooLarge.size === 0) return false;
    const retryAt = this.tooLarge.get(nameOf(key, id));
    return retryAt !== undefined && systemClock.now() < retryAt;
  }

  /** See {@link PendingEntries.fetch}. @throws RedisConnectionError where the reply broke the connection */
  async fetch(source: ReadKey, wanted: readonly PendingEntry[], bytes: number): Promise<Fetched> {
    const { entries, sizes } = this.options;
    const asked = this.oneByOne > 0 ? wanted.slice(0, 1) : wanted;
    const began = systemClock.now();
    try {
      const fetched = await entries.fetch(source.key, asked, Math.min(bytes, sizes.replyBytes));
      this.succeeded(source, fetched);
      return { ...fetched, rest: [...fetched.rest, ...wanted.slice(asked.length)] };
    } catch (error) {
      if (isBroken(error) && systemClock.now() - began < AT_ONCE) await this.failed(source, asked);
      throw error;
    }
  }

  private succeeded({ key }: ReadKey, { found }: Fetched): void {
    if (this.oneByOne > 0) this.oneByOne--;
    if (this.broke.size + this.tooLarge.size === 0) return;
    for (const { id } of found) {
      this.broke.delete(nameOf(key, id));
      this.tooLarge.delete(nameOf(key, id));
    }
  }

  private async failed(
    source: ReadKey,
    [first, ...others]: readonly PendingEntry[],
  ): Promise<void> {
    this.options.sizes.replyBroke();
    this.oneByOne = ONE_BY_ONE;
    if (!first || others.length > 0) return;
    const name = nameOf(source.key, first.id);
    const tries = (this.broke.get(name) ?? 0) + 1;
    this.broke.set(name, tries);
    if (tries < TRIES) return;
    this.broke.delete(name);
    this.tooLarge.set(name, systemClock.now() + RARELY);
    await this.tell(source, first.id);
  }

  private async tell({ key, stream }: ReadKey, id: string): Promise<void> {
    const { commands, events, group } = this.options;
    const bytes = await commands
      .run('measuring an entry', (client) => measureEntry(client, key, id), key)
      .catch(() => undefined);
    const limit = await replyLimit(commands, key);
    const error = new EntryTooLargeError(stream, group, id, { bytes, limit });
    events.emit('entry-too-large', { stream, group, id, bytes, error });
  }
}

export const isBroken = (error: unknown): boolean =>
  error instanceof RedisConnectionError && error.outcome === 'unknown';

const nameOf = (key: string, id: string): string => `${key} ${id}`;
