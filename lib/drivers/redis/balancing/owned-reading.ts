import type { Redis } from 'ioredis';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { RedisConnectionError } from '../../../core/errors/connection.errors.js';
import type { EventBus } from '../../../core/events.js';
import type { Guard } from '../../../core/guard.js';
import type { Fields } from '../../../core/message.js';
import type { HeldStream } from '../../../core/held-stream.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Commands } from '../commands.js';
import { GroupKeeper } from '../group-keeper.js';
import type { Keys } from '../keys.js';
import { releaseLease } from '../leasing.js';
import { PendingEntries } from '../pending-entries.js';
import { RedisLease, type LeaseHolder, type ReadKey } from '../redis.lease.js';
import { isGroupMissing } from '../reply-errors.js';
import { readGuarded } from '../scripts/read-guarded.script.js';
import { takePending } from '../scripts/take-pending.script.js';
import type { RedisStreamLocks } from './redis.stream-locks.js';
import type { StreamWatch } from './idle-watch.js';

/** Pending entries that are taken over at once, and new ones that are read at once. */
const PAGE = 100;
const READ_AHEAD = 20;

export interface ReadingOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly watch: StreamWatch;
  readonly group: string;
  readonly consumer: string;
  readonly startId: string;
  readonly runsWithin: number;
  readonly locks: RedisStreamLocks;
  readonly handOut: (lease: RedisLease) => void;
  readonly onFinished: (held: HeldStream) => void;
}

/** The entries of one stream that is owned, one after the other. */
export class OwnedReading implements LeaseHolder {
  private readonly source: ReadKey;
  private readonly keeper: GroupKeeper;
  private readonly entries: PendingEntries;
  private readonly backoff = new Backoff();
  private readonly ending = new AbortController();
  private queue: RedisLease[] = [];
  /** Handed out and not settled. */
  private inHand: RedisLease | undefined;
  private filling: Promise<void> | undefined;
  /** Everything that was pending up to here is taken over. */
  private takenUpTo: string | undefined;
  private takenOver = false;
  private onIdleEnd: (() => void) | undefined;
  private resting: (() => void)[] = [];

  constructor(
    readonly owned: HeldStream,
    readonly guards: readonly Guard[],
    private readonly options: ReadingOptions,
  ) {
    const { keys, commands, group } = options;
    this.source = { key: keys.stream(owned.stream), stream: owned.stream, redriven: false };
    this.keeper = new GroupKeeper(options);
    this.entries = new PendingEntries(commands, group);
  }

  get group(): string {
    return this.options.group;
  }

  get consumer(): string {
    return this.options.consumer;
  }

  get runsWithin(): number {
    return this.options.runsWithin;
  }

  get ended(): boolean {
    return this.ending.signal.aborted;
  }

  start(): void {
    this.filling = this.fill(() => this.keeper.ensure(this.source)).finally(() => this.advance());
  }

  /** The last entry is acknowledged together with the completion of its stream, where one step can. */
  async finish(client: Redis, lease: RedisLease): Promise<SettleOutcome | undefined> {
    if (!lease.finishing) return undefined;
    const last = { key: this.source.key, group: this.group, id: lease.entryId };
    const word = await this.options.locks.completeWith(client, this.owned, last);
    // Completed before, or announced anew by others: the guards say what becomes of the entry.
    return word === 'gone' ? undefined : word;
  }

  settled(lease: RedisLease): void {
    if (lease.finishing) this.end();
    this.putDown(lease);
    if (lease.finishing) this.options.onFinished(this.owned);
  }

  /** It runs again later. Nothing else of this stream does before. */
  parked(lease: RedisLease): void {
    lease.finishing = false;
    if (this.inHand === lease) this.rest();
  }

  /** It was not settled by us, and will not be. */
  forgotten(lease: RedisLease): void {
    this.putDown(lease);
  }

  /** Nothing more is handed out; resolves once nothing runs. */
  async letGo(): Promise<void> {
    this.end();
    await this.filling;
    await Promise.all(
      // Whoever comes next takes them anyway: given back they have lost no run.
      this.queue
        .splice(0)
        .map((lease) => releaseLease(this.options.commands, lease).catch(() => undefined)),
    );
    if (this.inHand?.charged) await new Promise<void>((resolve) => this.resting.push(resolve));
  }

  /** Nothing more is handed out, and what was is lost. */
  end(): void {
    this.ending.abort();
    this.options.watch.remove(this.source.key);
    this.onIdleEnd?.();
  }

  /** Nothing runs any more, or nobody waits for that any more. */
  rest(): void {
    for (const resolve of this.resting.splice(0)) resolve();
  }

  private putDown(lease: RedisLease): void {
    if (this.inHand !== lease) return;
    this.inHand = undefined;
    this.rest();
    this.advance();
  }

  private advance(): void {
    if (this.ended || this.inHand || this.filling) return;
    this.inHand = this.queue.shift();
    if (this.inHand) this.options.handOut(this.inHand);
    else this.filling = this.fill(() => this.more()).finally(() => this.advance());
  }

  /** An obstacle is waited out, with backoff; `advance` tries again. */
  private async fill(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.backoff.reset();
    } catch (error) {
      if (this.ended) return;
      const { events, group } = this.options;
      const { stream } = this.owned;
      // An outage announces itself, once for all streams.
      if (!(error instanceof RedisConnectionError)) {
        events.emit('stream-unreadable', { stream, group, error: error as Error });
      }
      await sleep(systemClock, this.backoff.next(), this.ending.signal);
      const cause = (error as Error).cause ?? error;
      if (isGroupMissing(cause)) await this.keeper.ensure(this.source).catch(() => undefined);
    } finally {
      this.filling = undefined;
    }
  }

  private more(): Promise<void> {
    return this.takenOver ? this.readNew() : this.takeOver();
  }

  private async takeOver(): Promise<void> {
    const { commands, group, consumer, events } = this.options;
    const { key, stream } = this.source;
    const take = { key, group, consumer, guards: this.guards, after: this.takenUpTo, count: PAGE };
    const page = await commands.run(
      'taking over what is pending',
      (client) => takePending(client, take),
      key,
    );
    if (!page) return this.end();
    const { found, deleted } = await this.entries.fetch(key, page);
    for (const { id, count, fields } of found) {
      this.queue.push(new RedisLease(this, this.source, id, count, false, fields));
    }
    this.takenUpTo = page.at(-1)?.id ?? this.takenUpTo;
    this.takenOver = page.length < PAGE;
    if (found.length > 0) events.emit('reclaimed', { stream, group, count: found.length });
    if (deleted > 0) events.emit('trimmed', { stream, group, count: deleted });
  }

  private async readNew(): Promise<void> {
    const { commands, group, consumer, watch } = this.options;
    const { key } = this.source;
    let reply: Found | null;
    try {
      reply = await commands.run(
        'reading an owned stream',
        async (client) =>
          (await readGuarded.run(
            client,
            [key],
            [group, consumer, READ_AHEAD],
            this.guards,
          )) as Found,
        key,
      );
    } catch (error) {
      // It may have been carried out: what it took is pending to us.
      this.takenOver = false;
      this.takenUpTo = undefined;
      throw error;
    }
    if (!reply) return this.end();
    const [batches, ids] = reply;
    for (const [id, fields] of batches?.[0]?.[1] ?? []) {
      this.queue.push(new RedisLease(this, this.source, id, 1, true, fields));
    }
    if (batches || this.ended) return;
    await new Promise<void>((resolve) => {
      this.onIdleEnd = resolve;
      watch.add(key, ids![0] ?? '0-0', resolve);
    });
  }
}

type Found = [batches: [string, [id: string, fields: Fields][]][] | null, ids?: string[]];
