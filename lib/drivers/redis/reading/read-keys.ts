import { systemClock } from '../../../core/clock.js';
import type { ReadRefusal } from '../../../core/read-trouble.js';
import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import { GroupNotFoundError } from '../../../core/errors/group.errors.js';
import { redirectionOf } from '../topology/redirections.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { GroupKeeper } from '../groups/group-keeper.js';
import type { Keys } from '../keys/keys.js';
import type { ReadKey } from '../held-entries/redis.lease.js';

export interface ReadKeysOptions {
  readonly streams: readonly string[];
  readonly group: string;
  readonly consumer: string;
  readonly keys: Keys;
  readonly keeper: GroupKeeper;
  readonly events: EventBus;
  /** Called with the keys to read, whenever they change. */
  readonly onChanged: (readable: readonly ReadKey[]) => void;
}

/**
 * The keys that a subscription reads: its streams, less those that cannot be read, and redrive
 * streams.
 */
export class ReadKeys {
  private sources: ReadKey[];
  /** Undefined: all streams. */
  private watched: ReadonlySet<string> | undefined;
  private readonly unreadable = new Map<ReadKey, { readonly error: Error; readonly at: number }>();

  constructor(private readonly options: ReadKeysOptions) {
    const { streams, keys } = options;
    this.sources = streams.map((stream) => ({ key: keys.stream(stream), stream, redriven: false }));
  }

  /** All keys except those that are left alone. Includes keys that cannot be read. */
  get all(): readonly ReadKey[] {
    return this.sources.filter((source) => this.watches(source));
  }

  /** The streams that are left out because they cannot be read. */
  get refused(): Map<string, ReadRefusal> {
    const refused = new Map<string, ReadRefusal>();
    for (const [source, { error, at }] of this.unreadable) {
      if (source.redriven || !this.watches(source)) continue;
      refused.set(source.stream, { error, lasts: systemClock.now() - at });
    }
    return refused;
  }

  /** Whether a stream is not left alone. */
  watches({ stream }: { readonly stream: string }): boolean {
    return this.watched?.has(stream) ?? true;
  }

  /** Leaves all other streams alone. */
  watch(streams: ReadonlySet<string>): void {
    this.watched = streams;
    this.changed();
  }

  /**
   * Creates the groups. A group that was deleted on purpose is left out. @throws where a group
   * cannot be created
   */
  async open(): Promise<void> {
    await Promise.all(
      this.sources.map(async (source) => {
        try {
          await this.options.keeper.ensure(source);
        } catch (error) {
          if (!(error instanceof GroupNotFoundError)) throw error;
          this.leaveOut(source, error);
        }
      }),
    );
    this.changed();
  }

  /** Reads the redriven messages of a stream from now on. */
  addRedriven({ stream }: ReadKey): ReadKey {
    const { keys, group } = this.options;
    const key = keys.redrive(stream, group);
    const known = this.sources.find((one) => one.key === key);
    if (known) return known;
    const added = { key, stream, redriven: true };
    this.sources.push(added);
    this.changed();
    return added;
  }

  /** The key where a stream is read. Undefined: it is left alone. */
  find(stream: string): ReadKey | undefined {
    return this.all.find((one) => one.stream === stream && !one.redriven);
  }

  async restoreAll(): Promise<void> {
    for (const source of this.all) await this.restore(source);
  }

  /** Creates the group again, or finds out that the key cannot be read. */
  async restore(source: ReadKey): Promise<void> {
    try {
      if (source.redriven) {
        if (await this.options.keeper.ensureRedriven(source)) return;
        // The redrive stream was emptied and deleted, as it should be. If it comes back, the next
        // look sees it.
        this.sources = this.sources.filter((other) => other !== source);
        return this.changed();
      }
      await this.options.keeper.ensure(source);
      this.readableAgain(source);
    } catch (error) {
      this.leaveOut(source, error as Error);
    }
  }

  readableAgain(source: ReadKey): void {
    if (this.unreadable.delete(source)) this.changed();
  }

  private leaveOut(source: ReadKey, error: Error): void {
    // An outage, or a slot on its way to another node: it will pass.
    const passes = error instanceof RedisConnectionError || redirectionOf(error) !== undefined;
    if (passes || this.unreadable.has(source)) return;
    this.unreadable.set(source, { error, at: systemClock.now() });
    const { events, group, consumer } = this.options;
    events.emit('stream-unreadable', { stream: source.stream, group, consumer, error });
    this.changed();
  }

  private changed(): void {
    this.options.onChanged(this.all.filter((source) => !this.unreadable.has(source)));
  }
}
