import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Guard } from '../../../core/guard.js';
import { ReadAnswers } from '../../connections/read-answers.js';
import type { Commands } from '../connection/commands.js';
import { BlockingReader } from '../connection/blocking-reader.js';
import type { Connector } from '../connection/connector.js';
import { GuardedReading } from './guarded-reading.js';
import type { EntrySizes } from '../held-entries/entry-sizes.js';
import { ReadWindow, type Ask, type ReadBatch, type ReadBounds } from './read-window.js';
import { streamsIn, type Reply } from '../resp/reply-parser.js';
import type { Asked, ReplyBreaks } from './reply-breaks.js';
import type { SlotPlace } from '../topology/slot-place.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import {
  isGroupMissing,
  isRefused,
  isReply,
  isWrongType,
  typedError,
} from '../errors/reply-errors.js';

/** While some streams are busy, each of the others is read this often, in milliseconds. */
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
  /** The known sizes of entries. */
  readonly sizes: EntrySizes;
  readonly guards: readonly Guard[];
  /** Called when a guard does not hold any more. */
  readonly onDisowned: () => void;
  /** Called when the group of some key is missing, to create it. */
  readonly onGroupMissing: () => Promise<void>;
  /**
   * Called when some key holds no stream, or may not be read, to find out which, and to read the
   * others.
   */
  readonly onUnreadable: () => Promise<void>;
  readonly breaks: ReplyBreaks;
  /**
   * Called when a read of these keys, sent at that time, may have been answered without this
   * process receiving the reply.
   */
  readonly onReplyLost: (sources: readonly ReadKey[], sentAt: number) => Promise<void>;
}

/** One step of the blocking loop: reads new entries of many streams on a connection of its own. */
export class Reader {
  readonly answers = new ReadAnswers();
  private readonly blocking: BlockingReader;
  private keys: readonly ReadKey[] = [];
  private byKey = new Map<string, ReadKey>();
  /** A key that is read, or was. On a cluster it says to which node the reader is connected. */
  private someKey = '';
  private readonly window: ReadWindow;
  private stopped = false;
  private readonly stopping = new AbortController();
  /** Number of reads that have ended. */
  private reads = 0;
  /** The read under way. */
  private asked: Asked | undefined;
  private readonly guarded: GuardedReading | undefined;

  constructor(private readonly options: ReaderOptions) {
    const round = Math.min(LONGEST_ROUND, options.blockTimeout / 2);
    this.window = new ReadWindow(options.sizes, systemClock, round);
    if (options.guards.length > 0) this.guarded = new GuardedReading(options);
    this.blocking = new BlockingReader({
      ...options,
      role: 'reader',
      action: 'reading',
      block: options.blockTimeout,
      key: () => this.someKey,
    });
  }

  /** Reads these keys from now on. */
  watch(keys: readonly ReadKey[]): void {
    this.keys = keys;
    this.someKey = keys[0]?.key ?? this.someKey;
    this.byKey = new Map(keys.map((source) => [source.key, source]));
    this.window.restart(keys);
    // What was refused was to read others, too.
    this.answers.answered();
    void this.blocking.wake();
  }

  /** Waits for the first connection. @throws RedisConnectionError */
  async open(timeout: number): Promise<void> {
    await this.blocking.connected(timeout, 'opening a reader');
  }

  /** Returns new entries, or none after the block timeout, an outage, or `stop`. Never rejects. */
  async read(bounds: ReadBounds): Promise<readonly ReadBatch[]> {
    const { blocking } = this;
    if (this.stopped) return [];
    if (this.keys.length === 0) {
      await blocking.pause();
      return [];
    }
    try {
      if (!blocking.isConnected && !(await this.connects())) return [];
      if (this.stopped) return [];
      const batches = await (this.guarded
        ? this.readGuarded(this.guarded, bounds)
        : this.readOnce(bounds));
      if (blocking.paused) this.succeeded();
      this.asked = undefined;
      this.reads++;
      return batches;
    } catch (error) {
      await this.recover(error);
      return [];
    }
  }

  /** Reads no more. Entries in the reply of a read under way are still handed out. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.stopping.abort();
    await this.blocking.stop();
  }

  close(): Promise<void> {
    this.stopped = true;
    this.stopping.abort();
    return this.blocking.close();
  }

  private async readOnce(bounds: ReadBounds): Promise<ReadBatch[]> {
    const { keys } = this;
    for (;;) {
      const ask = this.window.next(keys, bounds);
      const batches = await this.xreadgroup(ask);
      const found = this.window.brought(ask, batches);
      if (found > 0 || ask.kind === 'all' || this.stopped || keys !== this.keys) return batches;
    }
  }

  /** Reads the entries that are there. Where there are none, waits for the first new ones. */
  private async readGuarded(guarded: GuardedReading, bounds: ReadBounds): Promise<ReadBatch[]> {
    const { keys, byKey, blocking } = this;
    const count = this.window.countOf(keys, bounds);
    for (;;) {
      this.asked = { sources: keys, count, at: systemClock.now(), before: this.reads };
      const read = await guarded.readNow(blocking, keys, count);
      if (!read) {
        this.options.onDisowned();
        await sleep(systemClock, this.options.blockTimeout, this.stopping.signal);
        return [];
      }
      if ('found' in read) return batchesOf(read.found, byKey);
      if (this.stopped || keys !== this.keys) return [];
      const more = await guarded.wait(blocking, keys, read.ids);
      if (!more || this.stopped) return [];
    }
  }

  private async xreadgroup({ sources, count, kind }: Ask): Promise<ReadBatch[]> {
    const { group, consumer, blockTimeout } = this.options;
    const names: string[] = [];
    const ids: string[] = [];
    for (const { key } of sources) {
      names.push(key);
      ids.push('>');
    }
    const blocks = kind === 'all';
    const limits = blocks ? ['COUNT', count, 'BLOCK', blockTimeout] : ['COUNT', count];
    const command = [
      'XREADGROUP',
      'GROUP',
      group,
      consumer,
      ...limits,
      'STREAMS',
      ...names,
      ...ids,
    ];
    // Other keys may be watched when the reply arrives.
    const { byKey } = this;
    this.asked = { sources, count, at: systemClock.now(), before: this.reads };
    return batchesOf(await this.blocking.request(command, blocks), byKey);
  }

  private async recover(error: unknown): Promise<void> {
    if (this.stopped) return;
    const { asked, blocking } = this;
    this.asked = undefined;
    const failure = blocking.failed(error);
    if (asked && !isReply(error)) await this.replyLost(asked, error);
    // A group that has to be created again is reported by that.
    if (failure !== 'refused') this.answers.answered();
    else if (!isGroupMissing(error)) {
      const only = this.keys.length === 1 ? this.keys[0]!.key : undefined;
      const cause = typedError(error, 'reading', only, 'xreadgroup');
      this.answers.refused(cause);
      this.options.events.emit('worker-error', { worker: 'reader', error: cause });
    }
    await blocking.pause();
    if (isGroupMissing(error)) await this.options.onGroupMissing();
    else if (isWrongType(error) || isRefused(error)) await this.options.onUnreadable();
  }

  /** Waits for a connection, no longer than a read may take. Returns whether there is one. */
  private async connects(): Promise<boolean> {
    try {
      await this.blocking.connected(this.options.blockTimeout);
      return true;
    } catch (error) {
      if (!(error instanceof RedisConnectionError)) throw error;
      return false;
    }
  }

  private succeeded(): void {
    this.answers.answered();
    this.blocking.succeeded();
  }

  private async replyLost(asked: Asked, error: unknown): Promise<void> {
    const { blocking } = this;
    const { breaks, onReplyLost } = this.options;
    // Not a connection that this reader has ended itself.
    if (!blocking.wasWoken) breaks.ended(asked, blocking.hasPartOfReply, error);
    await onReplyLost(asked.sources, asked.at);
  }
}

/** The reply of XREADGROUP, by the keys that were read. */
function batchesOf(reply: Reply, byKey: ReadonlyMap<string, ReadKey>): ReadBatch[] {
  const batches: ReadBatch[] = [];
  for (const [key, entries] of streamsIn(reply)) {
    const source = byKey.get(key);
    if (source) batches.push({ source, entries });
  }
  return batches;
}
