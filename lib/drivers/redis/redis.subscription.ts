import { RedisConnectionError } from '../../core/errors.js';
import type { BeginOutcome, ExtendOutcome, Lease } from '../../core/lease.js';
import type { EventBus } from '../../core/events.js';
import type { SubscribeOptions, Subscription } from '../../core/source.js';
import { Caretaker } from './caretaker.js';
import type { Connection } from './connection.js';
import { GroupKeeper } from './group-keeper.js';
import { HeldTable } from './held-table.js';
import type { Keys } from './keys.js';
import { ownPending } from './own-pending.js';
import { Reader, type ReadEntry } from './reader.js';
import { RedisLease, type ReadKey } from './redis.lease.js';
import type { RedisOptions } from './redis.options.js';
import { begin } from './scripts/begin.script.js';
import { extend, EXTEND_AT_ONCE } from './scripts/extend.script.js';
import type { Looked } from './scripts/look-after.script.js';
import { release } from './scripts/release.script.js';

/** Pending to us and unknown for so long: its read reply was lost, ms. A reply on its way is younger. */
const REPLY_ON_ITS_WAY = 1000;
/** Entries taken over at a look while the consumer asks for none. */
const TAKE_WHEN_BUSY = 10;

export interface RedisSubscriptionOptions extends SubscribeOptions {
  readonly redis: RedisOptions;
  readonly commands: Connection;
  readonly keys: Keys;
  readonly events: EventBus;
}

/** One consumer's reader and everything it holds. */
export class RedisSubscription implements Subscription {
  private readonly held = new HeldTable();
  /** Handed out at the next pull. */
  private inbox: RedisLease[] = [];
  private sources: ReadKey[];
  private unreadable = new Set<ReadKey>();
  private readonly reader: Reader;
  private readonly keeper: GroupKeeper;
  private readonly caretaker: Caretaker;
  private reading: Promise<void> | undefined;
  private wanted = 0;
  private lastLimit = 1;
  private wake: (() => void) | undefined;
  private stopped = false;
  private closing: Promise<void> | undefined;

  constructor(private readonly options: RedisSubscriptionOptions) {
    const { streams, keys, idleTimeout, blockTimeout } = options;
    this.sources = streams.map((stream) => ({ key: keys.stream(stream), stream, redriven: false }));
    this.keeper = new GroupKeeper(options);
    this.reader = new Reader({
      ...options,
      onGroupMissing: () => this.restoreGroups(),
      onWrongType: () => this.restoreGroups(),
      onReplyLost: () => this.adoptAll(0),
    });
    this.caretaker = new Caretaker({
      ...options,
      keeper: this.keeper,
      interval: options.reclaimInterval,
      absentAfter: 2 * Math.max(idleTimeout, blockTimeout) + 60_000,
      streams: () => this.sources,
      room: () => (this.wanted || Math.min(this.lastLimit, TAKE_WHEN_BUSY)) - this.inbox.length,
      onLooked: (source, looked) => this.looked(source, looked),
    });
  }

  /** @throws where a group cannot be created or no connection is had */
  async open(connectTimeout: number): Promise<void> {
    try {
      await Promise.all(this.sources.map((source) => this.keeper.ensure(source)));
      this.watch();
      await this.reader.open(connectTimeout);
      await this.caretaker.start();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  get group(): string {
    return this.options.group;
  }

  get consumer(): string {
    return this.options.consumer;
  }

  async pull(limit: number): Promise<Lease[]> {
    this.lastLimit = this.wanted = limit;
    if (this.inbox.length === 0 && !this.stopped) {
      this.reading ??= this.read(limit);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    this.wanted = 0;
    const handedOut = this.inbox.splice(0, limit);
    if (this.inbox.length === 0) this.caretaker.roomMade();
    return handedOut;
  }

  async begin(lease: Lease): Promise<BeginOutcome> {
    const mine = lease as RedisLease;
    const reply = await this.options.commands.run('charging a run', (client) =>
      begin(client, this.fenced(mine)),
    );
    if (reply.word === 'started') {
      mine.attempt++;
      mine.charged = true;
      mine.load(reply.fields);
      return 'started';
    }
    if (reply.word === 'trimmed') this.reportTrimmed(mine);
    return reply.word === 'lost' ? 'lost' : 'gone';
  }

  async extend(leases: readonly Lease[]): Promise<ExtendOutcome[]> {
    const outcomes = new Map<Lease, ExtendOutcome>();
    const batches = this.batchesByKey(leases as readonly RedisLease[]);
    await Promise.all(
      batches.map(async (batch) => {
        const words = await this.extendBatch(batch);
        for (const [index, lease] of batch.entries()) outcomes.set(lease, words[index]!);
      }),
    );
    return leases.map((lease) => outcomes.get(lease)!);
  }

  forget(lease: Lease, left = false): void {
    if (left) (lease as RedisLease).left = true;
    else this.held.remove(lease as RedisLease);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.caretaker.stop();
    await this.reader.stop();
    await this.reading;
    this.wakePull();
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** What the source has settled is no longer ours; a retry stays. */
  settled(lease: RedisLease): void {
    this.held.remove(lease);
  }

  fenced(lease: RedisLease): Parameters<typeof begin>[1] {
    const { group, consumer } = this.options;
    return { key: lease.source.key, group, consumer, id: lease.entryId, count: lease.attempt };
  }

  private async read(limit: number): Promise<void> {
    const entries = await this.reader.read(limit);
    for (const entry of entries) this.take(entry);
    this.reading = undefined;
    this.wakePull();
  }

  private take({ source, id, fields }: ReadEntry): void {
    const known = this.held.get(source, id);
    if (known) {
      // Delivered anew by a group that was recreated: the run goes on, under the new count.
      known.attempt = 1;
      return;
    }
    this.hold(new RedisLease(this, source, id, 1, fields));
  }

  private hold(lease: RedisLease): void {
    this.held.add(lease);
    this.inbox.push(lease);
  }

  private wakePull(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }

  private async looked(source: ReadKey, looked: Looked): Promise<void> {
    if (looked.word === 'ok') this.keeper.note(source, looked.floor);
    if (looked.taken.length > 0) await this.holdUncharged(source, looked.taken);
    if (looked.own > this.held.count(source)) await this.adopt(source, REPLY_ON_ITS_WAY);
    if (looked.redriven && !source.redriven) this.watchRedriven(source);
    if (looked.word === 'missing') await this.restore(source);
    if (looked.word === 'ok' && this.unreadable.delete(source)) this.watch();
  }

  private async holdUncharged(
    source: ReadKey,
    entries: readonly { readonly id: string; readonly count: number }[],
  ): Promise<void> {
    for (const { id, count } of entries) {
      const lease = new RedisLease(this, source, id, count, undefined);
      if (source.redriven) await this.learnOrigin(lease);
      if (!this.held.get(source, id)) this.hold(lease);
    }
    this.wakePull();
  }

  private async learnOrigin(lease: RedisLease): Promise<void> {
    const { source, entryId } = lease;
    const [entry] = await this.options.commands.run('reading a redriven entry', (client) =>
      client.xrange(source.key, entryId, entryId),
    );
    if (entry) lease.learnOrigin(entry[1]);
  }

  /** Takes up what is pending to us without our knowing of it. */
  private async adopt(source: ReadKey, minIdle: number): Promise<void> {
    const { events, commands, group, consumer } = this.options;
    const rows = await ownPending(commands, { key: source.key, group, consumer, minIdle });
    const unknown = rows.filter(({ id }) => !this.held.get(source, id));
    if (unknown.length === 0) return;
    events.emit('adopted', { stream: source.stream, group, count: unknown.length });
    await this.holdUncharged(source, unknown);
  }

  private async adoptAll(minIdle: number): Promise<void> {
    try {
      for (const source of this.sources) await this.adopt(source, minIdle);
    } catch (error) {
      // The next look finds them too.
      this.options.events.emit('worker-error', { worker: 'adoption', error: error as Error });
    }
  }

  private watchRedriven(source: ReadKey): void {
    const key = this.options.keys.redrive(source.stream, this.group);
    if (this.sources.some((known) => known.key === key)) return;
    this.sources.push({ key, stream: source.stream, redriven: true });
    this.watch();
  }

  private async restoreGroups(): Promise<void> {
    for (const source of [...this.sources]) await this.restore(source);
  }

  private async restore(source: ReadKey): Promise<void> {
    if (source.redriven) {
      // Emptied and deleted, as it should be; if it comes back, the next look sees it.
      this.sources = this.sources.filter((other) => other !== source);
      return this.watch();
    }
    try {
      await this.keeper.ensure(source);
      if (this.unreadable.delete(source)) this.watch();
    } catch (error) {
      this.leaveOut(source, error as Error);
    }
  }

  private leaveOut(source: ReadKey, error: Error): void {
    const { stream } = source;
    if (this.unreadable.has(source) || error instanceof RedisConnectionError) return;
    this.unreadable.add(source);
    this.options.events.emit('stream-unreadable', { stream, group: this.group, error });
    this.watch();
  }

  private watch(): void {
    this.reader.watch(this.sources.filter((source) => !this.unreadable.has(source)));
    void this.reader.wake();
  }

  private batchesByKey(leases: readonly RedisLease[]): RedisLease[][] {
    const byKey = new Map<string, RedisLease[]>();
    for (const lease of leases) {
      const same = byKey.get(lease.source.key);
      if (same) same.push(lease);
      else byKey.set(lease.source.key, [lease]);
    }
    return [...byKey.values()].flatMap((same) => {
      same.sort((a, b) => compareIds(a.entryId, b.entryId));
      const batches: RedisLease[][] = [];
      for (let at = 0; at < same.length; at += EXTEND_AT_ONCE) {
        batches.push(same.slice(at, at + EXTEND_AT_ONCE));
      }
      return batches;
    });
  }

  private async extendBatch(batch: readonly RedisLease[]): Promise<ExtendOutcome[]> {
    const { commands, group, consumer } = this.options;
    const { key } = batch[0]!.source;
    const entries = batch.map((lease) => ({ id: lease.entryId, count: lease.attempt }));
    const words = await commands.run('extending leases', (client) =>
      extend(client, { key, group, consumer, entries }),
    );
    for (const [index, lease] of batch.entries()) {
      if (words[index] !== 'trimmed') continue;
      lease.trimmed = true;
      this.reportTrimmed(lease);
    }
    return words;
  }

  private reportTrimmed(lease: RedisLease): void {
    this.options.events.emit('trimmed', { stream: lease.stream, group: this.group, count: 1 });
  }

  private async shutDown(): Promise<void> {
    await this.stop();
    await this.releaseInbox();
    await this.reader.close();
  }

  /** Taken from the server but never handed out. */
  private async releaseInbox(): Promise<void> {
    const unseen = this.inbox.splice(0);
    await Promise.all(
      unseen.map((lease) => releaseLease(this.options.commands, lease).catch(() => undefined)),
    );
  }
}

/** An unfinished run is not charged: what it had counted is taken back. */
export function releaseLease(commands: Connection, lease: RedisLease): ReturnType<typeof release> {
  const leave = lease.charged ? lease.attempt - 1 : lease.attempt;
  return commands.run('releasing an entry', (client) =>
    release(client, lease.subscription.fenced(lease), leave),
  );
}

function compareIds(a: string, b: string): number {
  const [aMs = 0, aSeq = 0] = a.split('-').map(Number);
  const [bMs = 0, bSeq = 0] = b.split('-').map(Number);
  return aMs - bMs || aSeq - bSeq;
}
