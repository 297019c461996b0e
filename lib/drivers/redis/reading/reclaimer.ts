import { chunksOf } from '../../../core/collections/chunks.js';
import type { Redis } from 'ioredis';
import { sleep, systemClock } from '../../../core/clock.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Guard } from '../../../core/guard.js';
import type { Worker } from '../../../core/worker.js';
import type { Commands } from '../connection/commands.js';
import { CrashWatch } from './crash-watch.js';
import type { Keys } from '../keys/keys.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { LOOK_AT_ONCE, reclaim } from './reclaim.script.js';
import { type Reclaimed } from './reclaimed.js';

/** Most entries of one claim: Lua can pass some thousand arguments at most. */
const TAKE_AT_ONCE = 1000;

export interface ReclaimerOptions {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly group: string;
  readonly consumer: string;
  readonly idleTimeout: number;
  readonly interval: number;
  readonly absentAfter: number;
  readonly crashedAfter: number;
  readonly streams: () => readonly ReadKey[];
  /** Number of entries that may be taken over now. */
  readonly capacity: () => number;
  /** Called before each look. */
  readonly onLook: () => Promise<void>;
  readonly guards?: readonly Guard[];
  /** Called when a guard does not hold any more. */
  readonly onDisowned?: () => void;
  readonly onLooked: (source: ReadKey, looked: Reclaimed) => Promise<void>;
}

/**
 * Looks after the streams of a subscription at jittered intervals. Which entries count as abandoned
 * and are taken over, and which consumers are removed, is decided in `reclaim.script.ts`.
 */
export class Reclaimer implements Worker {
  private loop: Promise<void> | undefined;
  private stopped = false;
  private rest = new AbortController();
  /** The last look found more abandoned entries than there was room for. */
  shortOfCapacity = false;
  /** `shortOfCapacity` of the look before this one. */
  private wasShort = false;
  private readonly crashes: CrashWatch;

  constructor(private readonly options: ReclaimerOptions) {
    this.crashes = new CrashWatch(options);
  }

  async start(): Promise<void> {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.rest.abort();
    await this.loop;
  }

  /** Looks at once: streams are read that were left alone before. */
  lookNow(): void {
    this.rest.abort();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const wait = this.options.interval * (0.75 + Math.random() / 4);
      await sleep(systemClock, wait, this.rest.signal);
      this.rest = new AbortController();
      if (!this.stopped) await this.look();
    }
  }

  private async look(): Promise<void> {
    const streams = this.options.streams();
    this.wasShort = this.shortOfCapacity;
    this.shortOfCapacity = false;
    try {
      await this.options.onLook();
      for (const some of chunksOf(streams, LOOK_AT_ONCE)) await this.lookAtAll(some);
    } catch (error) {
      this.options.events.emit('worker-error', { worker: 'reclaimer', error: error as Error });
    }
  }

  /** Looks at each stream, so that one that this user may not touch does not hide the others. */
  private async lookAtAll(sources: readonly ReadKey[]): Promise<void> {
    try {
      await this.lookAt(sources);
    } catch (error) {
      if (!(error instanceof PermissionDeniedError) || sources.length === 1) throw error;
      const looks = await Promise.allSettled(sources.map((source) => this.lookAt([source])));
      const failed = looks.find((look) => look.status === 'rejected');
      if (failed) throw failed.reason;
    }
  }

  private async lookAt(sources: readonly ReadKey[]): Promise<void> {
    const { commands, keys, group, consumer, idleTimeout, absentAfter, crashedAfter, guards } =
      this.options;
    const streams = sources.map(({ key, stream, redriven }) => ({
      key,
      // A redrive stream is never recreated: its own key in this place means that there is no
      // floor.
      floor: redriven ? key : keys.floor(stream),
      redrive: keys.redrive(stream, group),
      consumers: keys.consumers(stream, group),
      handed: keys.handed(stream, group),
    }));
    let [capacity, more] = [0, 0];
    const look = (client: Redis) => {
      // Computed only now, because an outage may have passed before.
      more = commands.allowance(idleTimeout);
      capacity = Math.min(this.options.capacity(), TAKE_AT_ONCE);
      const times = {
        idleTimeout: idleTimeout + more,
        absentAfter: absentAfter + more,
        crashedAfter: crashedAfter + more,
      };
      return reclaim(client, { group, consumer, ...times, streams, capacity, guards });
    };
    const found = await commands.run('looking after streams', look, sources[0]!.key);
    if (!found) return this.options.onDisowned?.();
    const taken = found.reduce((sum, looked) => sum + looked.taken.length, 0);
    // A look without room says nothing.
    if (capacity <= 0 ? this.wasShort : taken > 0 && taken >= capacity) this.shortOfCapacity = true;
    for (const [index, looked] of found.entries()) {
      await this.options.onLooked(sources[index]!, looked);
      this.report(sources[index]!, looked, more);
    }
  }

  /** @param more how much longer than usual a consumer had to be silent, in milliseconds */
  private report(source: ReadKey, looked: Reclaimed, more: number): void {
    const { stream } = source;
    const { events, group } = this.options;
    const { taken, trimmed, removed } = looked;
    if (taken.length > 0) events.emit('reclaimed', { stream, group, count: taken.length });
    if (trimmed > 0) events.emit('trimmed', { stream, group, count: trimmed });
    for (const consumer of removed) events.emit('consumer-removed', { stream, group, consumer });
    this.crashes.looked(source, looked, more === 0);
  }
}
