import type { Redis } from 'ioredis';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/events.js';
import type { Guard } from '../../../core/guard.js';
import type { Commands } from '../connection/commands.js';
import { Connection } from '../connection/connection.js';
import type { Connector } from '../connection/connector.js';
import { GuardedReading } from './guarded-reading.js';
import type { EntrySizes } from '../leases/entry-sizes.js';
import { batchesOf, type ReadBatch } from './read-batch.js';
import { ReadWindow, type Ask, type ReadBounds } from './read-window.js';
import type { Asked, ReplyBreaks } from './reply-breaks.js';
import type { SlotPlace } from '../topology/slot-place.js';
import type { ReadKey } from '../leases/redis.lease.js';
import {
  isDemoted,
  isGroupMissing,
  isRefused,
  isReply,
  isWrongType,
  typedError,
} from '../errors/reply-errors.js';
import { encodeCommand, Wire } from '../resp/wire.js';

/** A blocked read that is silent for so much longer than it was to block is dead, ms. */
const GRACE = 2000;
const FOREVER = 2 ** 31 - 1;
/** While some streams are busy, each of the others is looked at so often, ms. */
const LONGEST_ROUND = 500;

export interface ReaderOptions {
  readonly place?: SlotPlace;
  readonly connector: Connector;
  /** Wakes a blocked read from another connection. */
  readonly commands: Commands;
  readonly events: EventBus;
  readonly group: string;
  readonly consumer: string;
  readonly blockTimeout: number;
  /** What is learned of the sizes of entries. */
  readonly sizes: EntrySizes;
  readonly guards: readonly Guard[];
  /** A guard does not hold any more. */
  readonly onDisowned: () => void;
  /** The group of some key is missing: create it. */
  readonly onGroupMissing: () => Promise<void>;
  /** Some key holds no stream, or may not be read: find out which, and read the others. */
  readonly onUnreadable: () => Promise<void>;
  readonly breaks: ReplyBreaks;
  /** A read of these, sent at that time, may have been answered without our hearing of it. */
  readonly onReplyLost: (sources: readonly ReadKey[], sentAt: number) => Promise<void>;
}

/** A client whose socket the reader has taken over. */
interface Line {
  readonly wire: Wire;
  /** Id of the connection at the server, where it tells. */
  readonly id: number | undefined;
}

/** The blocking loop's one step: reads new entries of many streams on a connection of its own. */
export class Reader {
  private readonly connection: Connection;
  private keys: readonly ReadKey[] = [];
  private byKey = new Map<string, ReadKey>();
  /** Of those that are read, or were: on a cluster it says which node the reader is at. */
  private someKey = '';
  private readonly backoff = new Backoff();
  private readonly window: ReadWindow;
  private stopped = false;
  private readonly stopping = new AbortController();
  private line: Line | undefined;
  /** The read under way. */
  private asked: Asked | undefined;
  /** The connection was ended to end its read. */
  private woken = false;
  /** A read waits for what is to come. */
  private blocked = false;
  private readonly guarded: GuardedReading | undefined;

  constructor(private readonly options: ReaderOptions) {
    const round = Math.min(LONGEST_ROUND, options.blockTimeout / 2);
    this.window = new ReadWindow(options.sizes, () => performance.now(), round);
    if (options.guards.length > 0) this.guarded = new GuardedReading(options);
    this.connection = new Connection({
      connector: options.connector,
      role: 'reader',
      events: options.events,
      replyTimeout: options.blockTimeout + GRACE,
    });
  }

  /** Reads these from now on. */
  watch(keys: readonly ReadKey[]): void {
    this.keys = keys;
    this.someKey = keys[0]?.key ?? this.someKey;
    this.byKey = new Map(keys.map((source) => [source.key, source]));
    this.window.restart(keys);
    void this.wake();
  }

  /** Waits for the first connection. @throws RedisConnectionError */
  async open(timeout: number): Promise<void> {
    await this.connection.ready('opening a reader', timeout);
  }

  /** New entries, or none after the block timeout, an outage, or `stop`. Never rejects. */
  async read(bounds: ReadBounds): Promise<readonly ReadBatch[]> {
    if (this.stopped) return [];
    if (this.keys.length === 0) {
      await this.pause();
      return [];
    }
    let client: Redis | undefined;
    try {
      client = this.connection.current ?? (await this.connection.ready('reading', FOREVER));
      const line = this.line?.wire.client === client ? this.line : await this.takeOver(client);
      if (this.stopped) return [];
      const batches = await this.readOnce(line, bounds);
      this.backoff.reset();
      this.asked = undefined;
      this.options.breaks.came();
      return batches;
    } catch (error) {
      await this.recover(error, client);
      return [];
    }
  }

  /** Ends a blocked read at once; what its reply brings is still handed out. */
  private async wake(): Promise<void> {
    const { line } = this;
    if (!line || !this.blocked) return;
    try {
      const { id } = line;
      if (id === undefined) throw new Error('The connection has no id');
      const woken = await this.options.commands.run(
        'waking the reader',
        (command) => command.client('UNBLOCK', id),
        this.someKey,
      );
      if (woken === 0 && this.options.place) throw new Error('The reader is elsewhere');
    } catch {
      // Without the right to unblock, or a connection: the read ends with the client.
      this.woken = true;
      this.connection.discard(line.wire.client);
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

  private async takeOver(client: Redis): Promise<Line> {
    // Asked before the first read: afterwards the connection may be blocked.
    const id = await client.client('ID').catch(() => undefined);
    const wire = new Wire(client, this.options.blockTimeout + GRACE);
    this.line = { wire, id };
    return this.line;
  }

  private async readOnce({ wire }: Line, bounds: ReadBounds): Promise<ReadBatch[]> {
    if (this.guarded) return this.readGuarded(this.guarded, wire, bounds);
    const { keys } = this;
    for (;;) {
      const ask = this.window.next(keys, bounds);
      this.blocked = ask.kind === 'all';
      const batches = await this.xreadgroup(wire, ask).finally(() => (this.blocked = false));
      const found = this.window.brought(ask, batches);
      if (found > 0 || ask.kind === 'all' || this.stopped || keys !== this.keys) return batches;
    }
  }

  /** What is there; and where nothing is, what comes first. */
  private async readGuarded(
    guarded: GuardedReading,
    wire: Wire,
    bounds: ReadBounds,
  ): Promise<ReadBatch[]> {
    const { keys, byKey } = this;
    const asking = this.options.place?.asking;
    const count = this.window.countOf(keys, bounds);
    for (;;) {
      this.asked = { sources: keys, count, at: systemClock.now() };
      const read = await guarded.readNow(wire, keys, count, asking);
      if (!read) {
        this.options.onDisowned();
        await sleep(systemClock, this.options.blockTimeout, this.stopping.signal);
        return [];
      }
      if ('found' in read) return this.window.learn(batchesOf(read.found, byKey));
      if (this.stopped || keys !== this.keys) return [];
      this.blocked = true;
      const waiting = guarded.wait(wire, keys, read.ids, asking);
      const more = await waiting.finally(() => (this.blocked = false));
      if (!more || this.stopped) return [];
    }
  }

  private async xreadgroup(wire: Wire, { sources, count, kind }: Ask): Promise<ReadBatch[]> {
    const { group, consumer, blockTimeout } = this.options;
    const names = sources.map((source) => source.key);
    const streams = [...names, ...names.map(() => '>')];
    const limits = kind === 'all' ? ['COUNT', count, 'BLOCK', blockTimeout] : ['COUNT', count];
    const args = ['GROUP', group, consumer, ...limits, 'STREAMS', ...streams];
    // What is watched may be others when the reply comes.
    const { byKey } = this;
    const command = encodeCommand(['XREADGROUP', ...args]);
    this.asked = { sources, count, at: systemClock.now() };
    return batchesOf(await wire.request(command, this.options.place?.asking), byKey);
  }

  private async recover(error: unknown, client: Redis | undefined): Promise<void> {
    if (this.stopped) return;
    const redirected = this.options.place?.redirected(error) ?? false;
    if (client && !isReply(error)) await this.replyLost(client, error);
    // A broken connection, and a group that has to be created again, announce themselves.
    if (client && this.connection.current === client && !isGroupMissing(error) && !redirected) {
      const only = this.keys.length === 1 ? this.keys[0]!.key : undefined;
      const cause = typedError(error, 'reading', only, 'xreadgroup');
      this.options.events.emit('worker-error', { worker: 'reader', error: cause });
    }
    await this.pause();
    if (isGroupMissing(error)) await this.options.onGroupMissing();
    else if (isWrongType(error) || isRefused(error)) await this.options.onUnreadable();
    else if (client && (isDemoted(error) || redirected)) this.connection.discard(client);
  }

  private async replyLost(client: Redis, error: unknown): Promise<void> {
    const { asked, line } = this;
    this.asked = undefined;
    if (!asked) return;
    // Not one that we ended ourselves.
    const { breaks, onReplyLost } = this.options;
    if (line?.wire.client === client && !this.woken) {
      breaks.ended(asked, line.wire.hasPartOfReply, error);
    }
    this.woken = false;
    await onReplyLost(asked.sources, asked.at);
  }

  private pause(): Promise<void> {
    return sleep(systemClock, this.backoff.next(), this.stopping.signal);
  }
}
