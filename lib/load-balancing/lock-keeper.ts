import { setImmediate as turn } from 'node:timers/promises';
import type { Clock, TimerHandle } from '../core/clock.js';
import type { EventBus } from '../core/event-bus.js';
import type { StreamLocks } from '../ports/stream-locks.js';
import type { Worker } from '../core/worker.js';
import type { OwnedStream, OwnedStreams } from './owned-stream.js';

export interface LockKeeperOptions {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly locks: StreamLocks;
  readonly owned: OwnedStreams;
  /** Time between two heartbeats, in milliseconds. */
  readonly interval: number;
  /** Called with streams that other consumers own now. */
  readonly onLost: (owned: OwnedStream) => void;
}

/** Keeps the locks of all streams alive: one timer, and many streams in one command. */
export class LockKeeper implements Worker {
  private timer: TimerHandle | undefined;
  private running = false;
  private beating: Promise<void> | undefined;
  /** Engine time at which the last answered heartbeat began, in milliseconds. */
  private beatAt = -Infinity;

  constructor(private readonly options: LockKeeperOptions) {}

  async start(): Promise<void> {
    this.running = true;
    this.beatAt = this.options.clock.now();
    this.arm();
  }

  async stop(): Promise<void> {
    this.running = false;
    if (this.timer !== undefined) this.options.clock.clearTimeout(this.timer);
    await this.beating;
  }

  /**
   * Returns undefined where the locks were extended a moment ago. Otherwise extends them now, and
   * resolves to whether that worked. A caller that is about to block the event loop awaits it
   * first, so that as much as possible of the lease lies ahead.
   */
  fresh(): Promise<boolean> | undefined {
    return this.isFresh ? undefined : this.refreshed();
  }

  private get isFresh(): boolean {
    return this.options.clock.now() - this.beatAt <= this.options.interval;
  }

  private async refreshed(): Promise<boolean> {
    // A heartbeat under way may have begun too long ago.
    await this.beating;
    if (!this.isFresh) await this.beat();
    return this.isFresh;
  }

  private arm(): void {
    if (!this.running) return;
    this.timer = this.options.clock.setTimeout(
      () => void this.beat().then(() => this.arm()),
      this.options.interval,
    );
  }

  private beat(): Promise<void> {
    this.beating ??= this.extendAll().finally(() => (this.beating = undefined));
    return this.beating;
  }

  private async extendAll(): Promise<void> {
    const { clock, events, locks, owned, onLost } = this.options;
    const began = clock.now();
    const held = [...owned];
    const lost: OwnedStream[] = [];
    try {
      const words = held.length > 0 ? await locks.extend(held) : [];
      this.beatAt = began;
      for (const [index, stream] of held.entries()) {
        if (words[index] === 'lost') lost.push(stream);
      }
      // A completion of the stream in the same moment takes effect first.
      if (lost.length > 0) await turn();
      for (const stream of lost) if (!stream.ending) onLost(stream);
    } catch (error) {
      events.emit('worker-error', { worker: 'lock heartbeat', error: error as Error });
    }
  }
}
