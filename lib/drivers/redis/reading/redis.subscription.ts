import type { Guard } from '../../../core/guard.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../../core/lease.js';
import type { ReadTrouble } from '../../../core/read-trouble.js';
import type { Subscription } from '../../../ports/subscription.js';
import { Adoption } from './adopt-unknown-entries.js';
import { Reclaimer } from './reclaimer.js';
import { CarefulFetch } from '../held-entries/careful-fetch.js';
import { EntrySizes } from '../held-entries/entry-sizes.js';
import { GroupKeeper } from '../groups/group-keeper.js';
import { ReadyQueue } from './ready-queue.js';
import { HeldTable } from '../held-entries/held-table.js';
import { HandedEntries } from '../live-consumers/handed-entries.js';
import { Leasing, releaseAll } from '../held-entries/leasing.js';
import { PendingEntries } from '../held-entries/pending-entries.js';
import { ByteCapacity } from '../held-entries/read-budget.js';
import { ReadKeys } from './read-keys.js';
import { Refill } from './refill.js';
import type { EntryHolder, RedisLease } from '../held-entries/redis.lease.js';
import { silenceLimits } from './crash-watch.js';
import { applyReclaimed } from './apply-reclaimed.js';
import { NewEntries } from './new-entries.js';
import type { RedisSubscriptionOptions } from './subscription.options.js';

/** The reader of one consumer, and everything that it holds. */
export class RedisSubscription implements Subscription, EntryHolder {
  readonly group: string;
  readonly consumer: string;
  readonly runsWithin: number;
  readonly guards: readonly Guard[];
  private readonly held: HeldTable;
  private readonly readyQueue: ReadyQueue;
  private readonly sizes: EntrySizes;
  private readonly byteCapacity: ByteCapacity;
  private readonly leaveBudget: () => void;
  private readonly fetch: CarefulFetch;
  private readonly leasing: Leasing;
  private readonly adoption: Adoption;
  private readonly handed: HandedEntries;
  private readonly newEntries: NewEntries;
  private readonly readKeys: ReadKeys;
  private readonly reclaimer: Reclaimer;
  private readonly refill: Refill;
  private opened = false;
  private stopped = false;
  /** The consumer takes only entries that were handed over. */
  private takesOnlyHanded = false;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: RedisSubscriptionOptions) {
    const { commands, events, guards = [], onDisowned = () => undefined } = options;
    this.group = options.group;
    this.consumer = options.consumer;
    this.runsWithin = options.runsWithin ?? 0;
    this.guards = guards;
    this.leaveBudget = options.budget.join();
    this.sizes = new EntrySizes();
    this.held = new HeldTable(options.budget.total);
    this.readyQueue = new ReadyQueue(this.held);
    this.byteCapacity = new ByteCapacity(options.budget, this.held, this.sizes, events);
    const { sizes, byteCapacity, held, readyQueue } = this;
    const entries = new PendingEntries(commands, options.group);
    this.fetch = new CarefulFetch({ ...options, entries, sizes });
    this.leasing = new Leasing(commands, events, this.fetch);
    this.adoption = this.adopting(entries);
    this.handed = this.receiving();
    const keeper = new GroupKeeper(options);
    const own = { ...options, guards, onDisowned, sizes, byteCapacity, held, readyQueue };
    this.newEntries = new NewEntries({
      ...own,
      holder: this,
      adoption: this.adoption,
      keys: () => this.readKeys.all,
      restoreKeys: () => this.readKeys.restoreAll(),
    });
    this.readKeys = new ReadKeys({
      ...options,
      keeper,
      onChanged: (readable) => this.newEntries.watch(readable),
    });
    const { adoption, readKeys, handed, newEntries } = this;
    const parts = { adoption, readKeys, keeper, handed, held, newEntries };
    this.reclaimer = new Reclaimer({
      ...own,
      ...silenceLimits(options),
      interval: options.reclaimInterval,
      streams: () => readKeys.all,
      capacity: () => (this.takesOnlyHanded ? 0 : this.refill.capacity),
      onLook: () => this.letGo().then(() => readyQueue.refresh(this.leasing)),
      onLooked: (source, looked) => applyReclaimed(parts, source, looked),
    });
    this.refill = new Refill({ ...own, newEntries, reclaimer: this.reclaimer, handed, adoption });
  }

  /** @throws where a group cannot be created or no connection can be made */
  async open(connectTimeout: number): Promise<void> {
    try {
      await this.readKeys.open();
      await this.newEntries.open(connectTimeout);
      await this.reclaimer.start();
      this.opened = true;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async pull(limit: number): Promise<Lease[]> {
    this.takesOnlyHanded = false;
    if (this.readyQueue.leases.length === 0 && !this.stopped) {
      this.newEntries.read(limit);
      await this.readyQueue.filled(limit);
    }
    const handedOut = this.readyQueue.take(limit);
    if (this.readyQueue.leases.length === 0) this.refill.fetchMore();
    return handedOut;
  }

  /** Also hands out entries that arrived meanwhile, for example by a read. */
  takeHanded(limit: number): Lease[] {
    this.takesOnlyHanded = true;
    const handedOut = this.readyQueue.take(limit);
    if (this.readyQueue.leases.length === 0) {
      this.handed.capacityFreed();
      this.adoption.more();
    }
    return handedOut;
  }

  begin(lease: Lease): Promise<BeginOutcome> {
    const own = lease as RedisLease;
    if (this.fetch.isTooLarge(own.source, own.entryId)) return Promise.resolve('later');
    return this.byteCapacity.begin(own, () => this.leasing.begin(own));
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
    this.refill.less();
  }

  /** The data of the entry is fetched again when it runs. */
  parked(lease: RedisLease): void {
    this.held.resize(lease, 0);
    this.refill.less();
  }

  watch(streams: ReadonlySet<string>): void {
    const before = this.readKeys.all;
    this.readKeys.watch(streams);
    void this.handed.giveBack(before.filter((source) => !this.readKeys.watches(source)));
    // Entries that are given back now come first again.
    this.newEntries.restart();
    void this.letGo();
    this.reclaimer.lookNow();
  }

  trouble(): ReadTrouble {
    const { refused, all } = this.readKeys;
    const { refusal } = this.newEntries;
    for (const { stream } of refusal ? all : []) refused.set(stream, refusal!);
    return { refused, unansweredFor: 0, fullFor: this.byteCapacity.fullFor };
  }

  /** The lease was handed out, and not taken: it waits here for the next pull. */
  takeBack(lease: RedisLease): void {
    this.readyQueue.putBack(lease);
  }

  settled(leases: readonly RedisLease[]): void {
    for (const lease of leases) this.held.remove(lease);
    this.refill.less();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.newEntries.halt();
    this.byteCapacity.close();
    await this.reclaimer.stop();
    await this.newEntries.stop();
    await this.handed.stop();
    this.readyQueue.wake();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown().finally(this.options.onClosed);
    return this.closing;
  }

  /** Gives back waiting entries of streams that are left alone: no consumer may ask for them. */
  private async letGo(): Promise<void> {
    const isUnwatched = (one: { readonly stream: string }) => !this.readKeys.watches(one);
    const unwatched = this.readyQueue.takeOut(isUnwatched);
    unwatched.push(...this.adoption.takeQueued(isUnwatched));
    if (unwatched.length === 0) return;
    await releaseAll(this.options.commands, unwatched);
    for (const lease of unwatched) this.held.remove(lease);
  }

  private adopting(entries: PendingEntries): Adoption {
    const { held, fetch, byteCapacity, sizes, options } = this;
    return new Adoption({
      ...{ held, fetch, byteCapacity, sizes, entries },
      events: options.events,
      holder: this,
      streams: () => this.readKeys.all,
      waiting: (source) => this.handed.idsOf(source),
      add: (lease) => this.readyQueue.add(lease),
      onHeld: () => this.readyQueue.wake(),
    });
  }

  private receiving(): HandedEntries {
    const { options, adoption } = this;
    return new HandedEntries({
      ...options,
      capacity: () => this.refill.capacity,
      readKeys: () => this.readKeys.all,
      find: (stream) => this.readKeys.find(stream),
      redrivenOf: (source) => this.readKeys.addRedriven(source),
      hold: async (source, entries) => {
        await adoption.holdUncharged(source, entries);
        if (!this.readKeys.watches(source)) await this.letGo();
      },
    });
  }

  private async shutDown(): Promise<void> {
    await this.stop();
    // Before that nothing was handed over, and closing does not wait for an unreachable server.
    if (this.opened) await this.handed.close();
    await releaseAll(this.options.commands, [
      ...this.readyQueue.takeOut(() => true),
      ...this.adoption.takeQueued(() => true),
    ]);
    await this.newEntries.close();
    this.leaveBudget();
  }
}
