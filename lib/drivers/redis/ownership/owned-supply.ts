import { systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Guard } from '../../../core/guard.js';
import type { HeldStream } from '../../../core/held-stream.js';
import type { Commands } from '../connection/commands.js';
import { GroupKeeper } from '../groups/group-keeper.js';
import type { Keys } from '../keys/keys.js';
import type { EntrySizes } from '../leases/entry-sizes.js';
import type { EntryHolder, ReadKey, RedisLease } from '../leases/redis.lease.js';
import type { StreamWatch } from './idle-watch.js';
import { OwnedEntries } from './owned-entries.js';
import type { RedisStreamLocks } from './redis.stream-locks.js';

/**
 * A newer version of redis-stream-client-go looks at the lock, and then acknowledges the input. If
 * it has looked before this consumer took the stream, it acknowledges a moment later. For this
 * time, in milliseconds, nothing is read ahead, because entries that were read ahead begin without
 * asking the server.
 */
const ONE_BY_ONE = 300;

export interface OwnedSupplyOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly watch: StreamWatch;
  readonly group: string;
  readonly startId: string;
  readonly locks: RedisStreamLocks;
  /** Most entries of one read. */
  readonly atOnce: () => number;
  readonly sizes: EntrySizes;
  readonly owned: HeldStream;
  readonly holder: EntryHolder;
  readonly guards: readonly Guard[];
}

/** Supplies the next entries of an owned stream: from the stream itself, and redriven ones. */
export class OwnedSupply {
  readonly source: ReadKey;
  readonly redriveSource: ReadKey;
  private readonly keeper: GroupKeeper;
  private readonly entries: OwnedEntries;
  /** Redriven entries, once there were any. They are in no order with the others. */
  private backlog: OwnedEntries | undefined;
  /** There may be redriven entries. */
  private hasBacklog = false;
  private readonly takenAt = systemClock.now();
  private onIdleEnd: (() => void) | undefined;
  private ended = false;

  constructor(private readonly options: OwnedSupplyOptions) {
    const { keys, owned, group } = options;
    const { stream } = owned;
    this.source = { key: keys.stream(stream), stream, redriven: false };
    this.redriveSource = { key: keys.redrive(stream, group), stream, redriven: true };
    this.keeper = new GroupKeeper(options);
    this.entries = this.entriesOf(this.source);
  }

  /** Creates the group where it is missing, and looks for redriven entries. */
  async prepare(): Promise<void> {
    await this.restore();
    if (await this.keeper.ensureRedriven(this.redriveSource)) this.redriven();
  }

  /** Creates the group where it is missing. */
  restore(): Promise<void> {
    return this.keeper.ensure(this.source);
  }

  /** Call it when dead letters were handed back. */
  redriven(): void {
    // The object is kept: it knows which entries were handed out and left.
    this.backlog ??= this.entriesOf(this.redriveSource);
    this.hasBacklog = true;
    this.onIdleEnd?.();
  }

  /** Call it when the entry is handed out. */
  begun(lease: RedisLease): void {
    if (!lease.redriven) this.entries.begun(lease);
  }

  /** The entry stays pending by policy: it is not handed out again. */
  leave(lease: RedisLease): void {
    (lease.redriven ? this.backlog : this.entries)?.leave(lease);
  }

  /**
   * The entry was lost, and may still be pending to this consumer. @param waiting entries that have
   * not begun
   */
  again(lease: RedisLease, waiting: readonly RedisLease[]): void {
    (lease.redriven ? this.backlog : this.entries)?.again(waiting);
  }

  /**
   * Returns the next entries. Where there are none, waits for the first new one.
   * @returns undefined where the guards do not hold; none after a wait, or after `end`
   */
  async next(): Promise<readonly RedisLease[] | undefined> {
    const backlog = this.hasBacklog ? this.backlog : undefined;
    if (backlog && !(await this.keeper.ensureRedriven(this.redriveSource))) {
      this.hasBacklog = false;
      return [];
    }
    const found = await (backlog ?? this.entries).next();
    if (found?.after === undefined || this.ended) return found?.leases;
    if (backlog) this.hasBacklog = false;
    // Messages were redriven while the others were read.
    else if (!this.hasBacklog) await this.entryBehind(found.after);
    return [];
  }

  /** Entries that other consumers have begun. @returns undefined where the guards do not hold */
  async nextOfOthers(): Promise<readonly RedisLease[] | undefined> {
    return (await this.entries.nextOfOthers())?.leases;
  }

  /** Ends all waits. */
  end(): void {
    this.ended = true;
    this.options.watch.remove(this.source.key);
    this.onIdleEnd?.();
  }

  private async entryBehind(id: string): Promise<void> {
    const { watch } = this.options;
    await new Promise<void>((resolve) => {
      this.onIdleEnd = resolve;
      watch.add(this.source.key, id, resolve);
    });
    watch.remove(this.source.key);
  }

  private entriesOf(source: ReadKey): OwnedEntries {
    const { options, takenAt } = this;
    const confirm = (): Promise<boolean> => options.locks.confirm(options.owned);
    const readAhead = (): number =>
      systemClock.now() - takenAt < ONE_BY_ONE ? 1 : options.atOnce();
    return new OwnedEntries({ ...options, source, readAhead, confirm });
  }
}
