import type { Redis } from 'ioredis';
import { sleep, systemClock } from '../../core/clock.js';
import type { EventBus } from '../../core/events.js';
import type { Fields } from '../../core/message.js';
import { Connection } from './connection.js';
import type { ReadKey } from './redis.lease.js';
import type { RedisOptions } from './redis.options.js';
import { isDemoted, isGroupMissing, isReply, isWrongType, typedError } from './reply-errors.js';

/** A blocked read that is silent for so much longer than it was to block is dead, ms. */
const GRACE = 2000;
const FIRST_WAIT = 50;
const LONGEST_WAIT = 2000;
const FOREVER = 2 ** 31 - 1;
/** Entries of one stream are acknowledged together: so many are worth a command of their own. */
const WORTH_ITS_ACK = 25;

export interface ReadEntry {
  readonly source: ReadKey;
  readonly id: string;
  readonly fields: Fields;
}

export interface ReaderOptions {
  readonly redis: RedisOptions;
  /** Wakes a blocked read from another connection. */
  readonly commands: Connection;
  readonly events: EventBus;
  readonly group: string;
  readonly consumer: string;
  readonly blockTimeout: number;
  /** The group of some key is missing: create it. */
  readonly onGroupMissing: () => Promise<void>;
  /** Some key holds no stream: find out which, and read the others. */
  readonly onWrongType: () => Promise<void>;
  /** A read may have been answered without our hearing of it. */
  readonly onReplyLost: () => Promise<void>;
}

/** ioredis types this command for a few fixed forms only. */
interface GroupReader {
  xreadgroup(...args: (string | number)[]): Promise<Reply>;
}

type Reply = [key: string, entries: [id: string, fields: string[]][]][] | null;

/** The blocking loop's one step: reads new entries of many streams on a connection of its own. */
export class Reader {
  private readonly connection: Connection;
  private keys: readonly ReadKey[] = [];
  private byKey = new Map<string, ReadKey>();
  private failures = 0;
  private stopped = false;
  private readonly stopping = new AbortController();
  /** The client that a read is blocked on. */
  private blocked: Redis | undefined;
  /** Id of the connection at the server. */
  private identified: { readonly client: Redis; readonly id: Promise<number> } | undefined;
  /** With many streams and much to read: where the next window of streams begins. */
  private windowAt = 0;
  private windowSize = 1;
  private emptyInARow = 0;
  private sweeping = false;

  constructor(private readonly options: ReaderOptions) {
    this.connection = new Connection({
      redis: options.redis,
      role: 'reader',
      events: options.events,
      replyTimeout: options.blockTimeout + GRACE,
    });
  }

  /** Reads these from now on. */
  watch(keys: readonly ReadKey[]): void {
    this.keys = keys;
    this.byKey = new Map(keys.map((source) => [source.key, source]));
    this.windowAt = this.emptyInARow = 0;
    void this.wake();
  }

  /** Waits for the first connection. @throws RedisConnectionError */
  async open(timeout: number): Promise<void> {
    await this.connection.ready('opening a reader', timeout);
  }

  /** New entries, or none after the block timeout, an outage, or `stop`. Never rejects. */
  async read(limit: number): Promise<ReadEntry[]> {
    if (this.stopped) return [];
    if (this.keys.length === 0) {
      await this.pause();
      return [];
    }
    let client: Redis | undefined;
    try {
      client = this.connection.current ?? (await this.connection.ready('reading', FOREVER));
      if (this.stopped) return [];
      const entries = await this.readOnce(client, limit);
      this.failures = 0;
      return entries;
    } catch (error) {
      await this.recover(error, client);
      return [];
    }
  }

  /** Ends a blocked read at once; what its reply brings is still handed out. */
  private async wake(): Promise<void> {
    const client = this.blocked;
    if (!client || this.identified?.client !== client) return;
    try {
      const id = await this.identified.id;
      await this.options.commands.run('waking the reader', (command) =>
        command.client('UNBLOCK', id),
      );
    } catch {
      // Without the right to unblock, or a connection: the read ends with the client.
      this.connection.discard(client);
    }
  }

  /** Reads no more. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.stopping.abort();
    if (this.connection.current) await this.wake();
    else await this.connection.close();
  }

  close(): Promise<void> {
    this.stopped = true;
    this.stopping.abort();
    return this.connection.close();
  }

  private readOnce(client: Redis, limit: number): Promise<ReadEntry[]> {
    return this.sweeping ? this.readWindow(client, limit) : this.readAll(client, limit);
  }

  /** All streams at once: more than there is room for only once in a burst, where they are many. */
  private async readAll(client: Redis, limit: number): Promise<ReadEntry[]> {
    const { keys } = this;
    const count = Math.max(1, Math.floor(limit / keys.length));
    const entries = await this.xreadgroup(client, keys, count, true);
    this.sweeping = count < WORTH_ITS_ACK && entries.length * 2 > limit;
    this.emptyInARow = 0;
    this.windowSize = Math.ceil(limit / WORTH_ITS_ACK);
    return entries;
  }

  /** A few streams at a time, in turn, until all of them were empty: many entries of each. */
  private async readWindow(client: Redis, limit: number): Promise<ReadEntry[]> {
    const { keys } = this;
    const size = Math.min(this.windowSize, keys.length, limit);
    const window = [...keys.slice(this.windowAt), ...keys.slice(0, this.windowAt)].slice(0, size);
    const entries = await this.xreadgroup(client, window, Math.floor(limit / size), false);
    this.windowAt = (this.windowAt + size) % keys.length;
    this.emptyInARow = entries.length > 0 ? 0 : this.emptyInARow + size;
    this.sweeping = this.emptyInARow < keys.length;
    if (entries.length * 4 < limit) this.windowSize = size * 2;
    else if (entries.length === limit) {
      this.windowSize = Math.max(Math.ceil(limit / WORTH_ITS_ACK), size >> 1);
    }
    return entries;
  }

  private async xreadgroup(
    client: Redis,
    sources: readonly ReadKey[],
    count: number,
    block: boolean,
  ): Promise<ReadEntry[]> {
    const { group, consumer, blockTimeout } = this.options;
    if (block && this.identified?.client !== client) {
      this.identified = { client, id: identify(client) };
    }
    const names = sources.map((source) => source.key);
    const streams = [...names, ...names.map(() => '>')];
    const limits = block ? ['COUNT', count, 'BLOCK', blockTimeout] : ['COUNT', count];
    if (block) this.blocked = client;
    try {
      const args = ['GROUP', group, consumer, ...limits, 'STREAMS', ...streams];
      const reply = await (client as unknown as GroupReader).xreadgroup(...args);
      return reply ? this.entriesOf(reply) : [];
    } finally {
      this.blocked = undefined;
    }
  }

  private entriesOf(reply: NonNullable<Reply>): ReadEntry[] {
    const found: ReadEntry[] = [];
    for (const [key, entries] of reply) {
      const source = this.byKey.get(key);
      if (!source) continue;
      for (const [id, fields] of entries) found.push({ source, id, fields });
    }
    return found;
  }

  private async recover(error: unknown, client: Redis | undefined): Promise<void> {
    if (this.stopped) return;
    if (client && !isReply(error)) await this.options.onReplyLost();
    // A broken connection, and a group that has to be created again, announce themselves.
    if (client && this.connection.current === client && !isGroupMissing(error)) {
      const cause = typedError(error, 'reading');
      this.options.events.emit('worker-error', { worker: 'reader', error: cause });
    }
    await this.pause();
    if (isGroupMissing(error)) await this.options.onGroupMissing();
    else if (isWrongType(error)) await this.options.onWrongType();
    else if (client && isDemoted(error)) this.connection.discard(client);
  }

  private pause(): Promise<void> {
    const wait = Math.min(FIRST_WAIT * 2 ** this.failures++, LONGEST_WAIT);
    return sleep(systemClock, wait * (0.5 + Math.random() / 2), this.stopping.signal);
  }
}

/** Asked for while connecting, so that a stop need not ask on a connection that is blocked. */
function identify(client: Redis): Promise<number> {
  const id = client.client('ID');
  id.catch(() => undefined);
  return id;
}
