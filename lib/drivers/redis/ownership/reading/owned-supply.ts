import { systemClock } from '../../../../core/clock.js';
import type { ReadAnswers } from '../../../connections/read-answers.js';
import type { EventBus } from '../../../../core/event-bus.js';
import type { Guard } from '../../../../core/guard.js';
import type { HeldStream } from '../../../../core/held-stream.js';
import type { Commands } from '../../connection/commands.js';
import { GroupKeeper } from '../../groups/group-keeper.js';
import type { Keys } from '../../keys/keys.js';
import type { EntrySizes } from '../../held-entries/entry-sizes.js';
import type { EntryHolder, ReadKey, RedisLease } from '../../held-entries/redis.lease.js';
import type { StreamWatch } from './idle-watch.js';
import { OwnedEntries } from './owned-entries.js';
import type { RedisStreamLocks } from '../locks/redis.stream-locks.js';

/**
 * For this time after taking a stream nothing is read ahead, in milliseconds. Entries that were
 * read ahead begin without asking the server. A newer version of redis-stream-client-go looks at
 * the lock, and then acknowledges the input: if it looked before this consumer took the stream, it
 * acknowledges a moment later.
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
  /** Maximum of entries of one read. */
  readonly atOnce: () => number;
  readonly sizes: EntrySizes;
  readonly owned: HeldStream;
  readonly holder: EntryHolder;
  readonly guards: readonly Guard[];
  readonly answers: ReadAnswers;
}

/**
 * Supplies the next entries of an owned stream: from the stream itself, and from its redrive
 * stream.
 */
export class OwnedSupply {
  readonly source: ReadKey;
  readonly redriveSource: ReadKey;
  private readonly keeper: GroupKeeper;
  private readonly entries: OwnedEntries;
  /** The redriven entries, once there were some. They have no order with the other entries. */
  private backlog: OwnedEntries | undefined;
  /** The redrive stream may have entries. */
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

  /** Dead letters of the stream were redriven. */
  redriven(): void {
    // The object is kept, since it knows which entries it has handed out and which were left
    // pending.
    this.backlog ??= this.entriesOf(this.redriveSource);
    this.hasBacklog = true;
    this.onIdleEnd?.();
  }

  /** The lease was handed out. */
  begun(lease: RedisLease): void {
    if (!lease.redriven) this.entries.begun(lease);
  }

  /** The entry stays pending by policy: it is not handed out again. */
  leave(lease: RedisLease): void {
    (lease.redriven ? this.backlog : this.entries)?.leave(lease);
  }

  /**
   * The lease was lost, and its entry may still be pending to this consumer. @param waiting leases
   * that have not begun
   */
  again(lease: RedisLease, waiting: readonly RedisLease[]): void {
    (lease.redriven ? this.backlog : this.entries)?.again(waiting);
  }

  /**
   * Returns the next entries. Where there are none, waits for the first one.
   * @returns undefined where the guards do not hold; none after a wait, or after `end`
   */
  async next(): Promise<readonly RedisLease[] | undefined> {
    const backlog = this.hasBacklog ? this.backlog : undefined;
    if (backlog && !(await this.keeper.ensureRedriven(this.redriveSource))) {
      this.hasBacklog = false;
      return [];
    }
    const found = await (backlog ?? this.entries).next();
    this.options.answers.answered();
    if (found?.after === undefined || this.ended) return found?.leases;
    if (backlog) this.hasBacklog = false;
    // Entries were redriven during the read.
    else if (!this.hasBacklog) await this.entryBehind(found.after);
    return [];
  }

  /** Takes over what other consumers have begun. @returns undefined where the guards do not hold */
  async nextOfOthers(): Promise<readonly RedisLease[] | undefined> {
    return (await this.entries.nextOfOthers())?.leases;
  }

  /** Ends all waiting. */
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
