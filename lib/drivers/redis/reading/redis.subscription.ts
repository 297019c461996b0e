import type { EventBus } from '../../../core/events.js';
import type { Guard } from '../../../core/guard.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { Fields } from '../../../core/message.js';
import type { SubscribeOptions, Subscription } from '../../../ports/source.js';
import { Adoption } from './adoption.js';
import { Reclaimer } from './reclaimer.js';
import { CarefulFetch } from '../leases/careful-fetch.js';
import type { Commands } from '../connection/commands.js';
import type { Connector } from '../connection/connector.js';
import { EntrySizes } from '../leases/entry-sizes.js';
import { GroupKeeper } from '../groups/group-keeper.js';
import { ReadyQueue } from './ready-queue.js';
import { HeldTable } from '../leases/held-table.js';
import type { Keys } from '../keys/keys.js';
import { HandedEntries, waitingOf } from '../live/handed-entries.js';
import type { HandedHints } from '../live/handed-hints.js';
import { Leasing, releaseAll } from '../leases/leasing.js';
import { PendingEntries } from '../leases/pending-entries.js';
import { ByteRoom, type ReadBudget } from '../leases/read-budget.js';
import { ReadKeys } from './read-keys.js';
import { Reader } from './reader.js';
import type { SlotPlace } from '../topology/slot-place.js';
import { ReplyBreaks } from './reply-breaks.js';
import { RedisLease, type EntryHolder, type ReadKey } from '../leases/redis.lease.js';
import type { Looked } from './look-after.script.js';
import { Takeover } from './takeover.js';

/** Pending to us and unknown for so long: its read reply was lost, ms. A reply on its way is younger. */
const REPLY_ON_ITS_WAY = 1000;

export interface RedisSubscriptionOptions extends SubscribeOptions {
  readonly connector: Connector;
  readonly place?: SlotPlace;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly handed: HandedHints;
  /** Shared with the other subscriptions of this process. */
  readonly budget: ReadBudget;
  /** Told once it is closed. */
  readonly onClosed?: () => void;
}

/** One consumer's reader and everything it holds. */
export class RedisSubscription implements Subscription, EntryHolder {
  readonly guards: readonly Guard[];
  private readonly held: HeldTable;
  private readonly readyQueue: ReadyQueue;
  private readonly sizes = new EntrySizes();
  private readonly room: ByteRoom;
  private readonly leaveBudget: () => void;
  private readonly entries: PendingEntries;
  private readonly fetch: CarefulFetch;
  private readonly leasing: Leasing;
  private readonly adoption: Adoption;
  private readonly handed: HandedEntries;
  private readonly reader: Reader;
  private readonly keeper: GroupKeeper;
  private readonly readKeys: ReadKeys;
  private readonly reclaimer: Reclaimer;
  /** Under guards. */
  private readonly takeover: Takeover | undefined;
  private reading: Promise<void> | undefined;
  private opened = false;
  private stopped = false;
  /** The consumer takes what was handed over, and nothing else. */
  private takesOnlyHanded = false;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: RedisSubscriptionOptions) {
    const { commands, events, idleTimeout, blockTimeout, guards = [] } = options;
    const longest = Math.max(idleTimeout, blockTimeout);
    const crashedAfter = options.crashedAfter ?? 3 * longest;
    const { onDisowned = () => undefined } = options;
    this.guards = guards;
    this.leaveBudget = options.budget.join();
    this.held = new HeldTable(options.budget.total);
    this.readyQueue = new ReadyQueue(this.held);
    this.room = new ByteRoom(options.budget, this.held, this.sizes, events);
    const { sizes } = this;
    this.entries = new PendingEntries(commands, options.group);
    this.fetch = new CarefulFetch({ ...options, entries: this.entries, sizes });
    this.leasing = new Leasing(commands, events, this.fetch);
    this.adoption = this.adopting();
    this.handed = this.receiving();
    this.keeper = new GroupKeeper(options);
    if (guards.length > 0) {
      this.takeover = new Takeover({
        ...options,
        guards,
        onDisowned,
        adoption: this.adoption,
        room: this.room,
        onGroupMissing: () => this.readKeys.restoreAll(),
      });
    }
    this.reader = new Reader({
      ...options,
      sizes,
      breaks: new ReplyBreaks({ ...options, sizes }),
      guards,
      onDisowned,
      onGroupMissing: () => this.readKeys.restoreAll(),
      onUnreadable: () => this.readKeys.restoreAll(),
      onReplyLost: async (sources, sentAt) => {
        this.adoption.replyLost(sources, sentAt);
        if (this.takeover) this.takeover.restart();
        else await this.adoption.adoptAll();
      },
    });
    this.readKeys = new ReadKeys({
      ...options,
      keeper: this.keeper,
      onChanged: (readable) => this.reader.watch(readable),
    });
    this.reclaimer = new Reclaimer({
      ...options,
      guards,
      onDisowned,
      interval: options.reclaimInterval,
      crashedAfter,
      // Known to have crashed before it is removed.
      absentAfter: Math.max(2 * longest, crashedAfter) + 60_000,
      streams: () => this.readKeys.all,
      room: () => (this.takesOnlyHanded ? 0 : this.roomToTakeOver()),
      onLook: () => this.letGo().then(() => this.readyQueue.refresh(this.leasing)),
      onLooked: (source, looked) => this.looked(source, looked),
    });
  }

  get group(): string {
    return this.options.group;
  }

  get consumer(): string {
    return this.options.consumer;
  }

  get runsWithin(): number {
    return this.options.runsWithin ?? 0;
  }

  /** @throws where a group cannot be created or no connection is had */
  async open(connectTimeout: number): Promise<void> {
    try {
      await this.readKeys.open();
      await this.reader.open(connectTimeout);
      await this.reclaimer.start();
      this.opened = true;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async pull(limit: number): Promise<Lease[]> {
    this.takesOnlyHanded = false;
    if (this.readyQueue.isEmpty && !this.stopped) {
      this.reading ??= this.read(limit);
      await this.readyQueue.filled(limit);
    }
    const handedOut = this.readyQueue.take(limit);
    if (this.readyQueue.isEmpty) this.fetchMore();
    return handedOut;
  }

  /** What came beside it, as by a read, is handed out too. */
  takeHanded(limit: number): Lease[] {
    this.takesOnlyHanded = true;
    const handedOut = this.readyQueue.take(limit);
    if (this.readyQueue.isEmpty) {
      this.handed.roomMade();
      this.adoption.more();
    }
    return handedOut;
  }

  begin(lease: Lease): Promise<BeginOutcome> {
    const own = lease as RedisLease;
    if (this.fetch.isTooLarge(own.source, own.entryId)) return Promise.resolve('later');
    return this.room.begin(own, () => this.leasing.begin(own));
  }

  extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    return this.leasing.extend(leases as readonly RedisLease[]);
  }

  forget(lease: Lease, left = false): void {
    const own = lease as RedisLease;
    if (left) {
      own.leave();
      this.held.resize(own, 0);
    } else this.held.remove(own);
    this.less();
  }

  /** Its data is fetched again when it runs. */
  parked(lease: RedisLease): void {
    this.held.resize(lease, 0);
    this.less();
  }

  watch(streams: ReadonlySet<string>): void {
    const before = this.readKeys.all;
    this.readKeys.watch(streams);
    void this.handed.giveBack(before.filter((source) => !this.readKeys.watches(source)));
    // What is given back now comes first again.
    this.takeover?.restart();
    void this.letGo();
    this.reclaimer.lookNow();
  }

  /** Handed out, and not taken: it waits here for the next pull. */
  takeBack(lease: RedisLease): void {
    this.readyQueue.putBack(lease);
  }

  settled(leases: readonly RedisLease[]): void {
    for (const lease of leases) this.held.remove(lease);
    this.less();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.room.close();
    this.takeover?.stop();
    await this.reclaimer.stop();
    await this.reader.stop();
    await this.reading;
    await this.handed.stop();
    this.readyQueue.wake();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown().finally(this.options.onClosed);
    return this.closing;
  }

  /** Less is held. A pull that waits for new entries would not ask for those that there was no room for. */
  private less(): void {
    this.room.less();
    if (this.readyQueue.isEmpty && this.room.adoptsMore) this.fetchMore();
  }

  /** Of what is abandoned, handed over, or known to be pending here. */
  private fetchMore(): void {
    if (this.roomToTakeOver() > 0) this.reclaimer.roomMade();
    this.handed.roomMade();
    this.adoption.more();
  }

  private async read(limit: number): Promise<void> {
    try {
      // Nothing to wait for, nearly always: then the read is written before what was read last runs.
      if (this.takeover?.done === false) {
        if (!(await this.takeover.mayRead(this.readKeys.all[0]!))) return;
      }
      if (!this.room.mayRead(this.sizes.largest)) {
        await this.room.untilMayRead(() => this.sizes.largest);
        if (this.stopped) return;
      }
      const bounds = { entries: limit, bytes: this.room.ofRead };
      for (const { source, entries } of await this.reader.read(bounds)) {
        for (const [id, fields] of entries) this.take(source, id, fields);
      }
    } finally {
      this.reading = undefined;
      this.readyQueue.wake();
    }
  }

  /** Entries. Nothing comes before what is taken over in order. */
  private roomToTakeOver(): number {
    if (this.takeover?.done === false) return 0;
    const fitting = Math.ceil(this.room.ofAdoption / this.sizes.largest);
    return Math.min(this.readyQueue.room, fitting);
  }

  private take(source: ReadKey, id: string, fields: Fields): void {
    const known = this.held.get(source, id);
    // Delivered anew by a group that was recreated: the run goes on, under the new count.
    if (known) known.attempt = 1;
    else this.readyQueue.add(new RedisLease(this, source, id, 1, true, fields));
  }

  private async looked(source: ReadKey, looked: Looked): Promise<void> {
    if (looked.taken.length > 0) await this.adoption.holdUncharged(source, looked.taken);
    if (looked.redriven && !source.redriven) this.readKeys.addRedriven(source);
    if (looked.word === 'missing') await this.readKeys.restore(source);
    if (looked.word !== 'ok') return;
    if (!source.redriven) this.keeper.note(source, looked.floor);
    this.readKeys.readableAgain(source);
    await this.handed.looked(source, looked);
    if (looked.own <= this.held.count(source) + waitingOf(source, looked))
      await this.adoption.forgetLeft(source);
    else if (!this.takeover || source.redriven) await this.adoption.adopt(source, REPLY_ON_ITS_WAY);
    else if (this.takeover.done) this.takeover.restart();
  }

  /** Of streams that are left alone nothing waits here, as nobody may ask for it. */
  private async letGo(): Promise<void> {
    const isUnwatched = (one: { readonly stream: string }) => !this.readKeys.watches(one);
    const unwatched = this.readyQueue.takeOut(isUnwatched);
    unwatched.push(...this.adoption.takeQueued(isUnwatched));
    if (unwatched.length === 0) return;
    await releaseAll(this.options.commands, unwatched);
    for (const lease of unwatched) this.held.remove(lease);
  }

  private adopting(): Adoption {
    const { events } = this.options;
    return new Adoption({
      events,
      holder: this,
      held: this.held,
      entries: this.entries,
      fetch: this.fetch,
      streams: () => this.readKeys.all,
      waiting: (source) => this.handed.idsOf(source),
      room: this.room,
      sizes: this.sizes,
      add: (lease) => this.readyQueue.add(lease),
      onHeld: () => this.readyQueue.wake(),
    });
  }

  private receiving(): HandedEntries {
    const { options, adoption } = this;
    return new HandedEntries({
      ...options,
      room: () => this.roomToTakeOver(),
      readKeys: () => this.readKeys.all,
      find: (stream, redriven) => this.readKeys.find(stream, redriven),
      hold: (source, entries) => adoption.holdUncharged(source, entries),
    });
  }

  private async shutDown(): Promise<void> {
    await this.stop();
    // Before that nothing was handed over, and closing waits for no server that cannot be had.
    if (this.opened) await this.handed.close();
    await releaseAll(this.options.commands, [
      ...this.readyQueue.takeOut(() => true),
      ...this.adoption.takeQueued(() => true),
    ]);
    await this.reader.close();
    this.leaveBudget();
  }
}
