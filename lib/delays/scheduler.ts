import { Backoff } from '../core/backoff.js';
import { sleep, type Clock } from '../core/clock.js';
import type { DelayHints, DelayStore, Promoted } from '../ports/delays.js';
import { PermissionDeniedError, WrongKeyTypeError } from '../core/errors/server.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { When } from '../core/message.js';
import type { Worker } from '../core/worker.js';

/** Interval in which all streams are looked at where the store has no `watch`, in milliseconds. */
const LOOK_EVERY = 1000;
/** Messages that are due within this time of each other are promoted together, in milliseconds. */
const GATHER = 10;
const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;

export interface SchedulerOptions {
  readonly delays: DelayStore;
  readonly clock: Clock;
  readonly events: EventBus;
}

/** Undefined: the driver has no delayed messages, or its server moves them when they are due. */
export const createScheduler = (
  options: Omit<SchedulerOptions, 'delays'> & { readonly delays: DelayStore | undefined },
): Scheduler | undefined => {
  const { delays } = options;
  return delays && !delays.movedByServer ? new Scheduler({ ...options, delays }) : undefined;
};

/** What the scheduler knows of a stream. */
class Watched {
  /**
   * This process consumes the stream, so the scheduler never forgets it. Other streams are
   * forgotten when no message waits.
   */
  kept = false;
  /** Engine time of the next promotion, in milliseconds. */
  dueAt = Infinity;
  promoting = false;
  readonly backoff = new Backoff(FIRST_WAIT, LONGEST_WAIT);
  failed = false;
  /** Why messages of this stream cannot be promoted, as the last event told it. */
  stuck = '';
}

/**
 * Promotes due messages: of the streams that this process consumes, and of those for which it has
 * scheduled messages. The scheduler sleeps until the earliest due time that it knows. The store
 * tells it what other processes have scheduled; where the store cannot, the scheduler looks. Any
 * number of processes may promote side by side.
 */
export class Scheduler implements Worker {
  private readonly streams = new Map<string, Watched>();
  private readonly underWay = new Set<Promise<void>>();
  /** The store has no `watch`: looks are needed. */
  private readonly looks: boolean;
  private nextLook = 0;
  /** More messages are due than one step moves. */
  private more = false;
  private promotedAt = 0;
  private rest = new AbortController();
  private loop: Promise<void> | undefined;
  private unwatch: (() => void) | undefined;
  private hints: DelayHints | undefined;
  private stopped = false;
  /** The error that was told of last, until a promotion succeeds. */
  private toldOf: string | undefined;

  constructor(private readonly options: SchedulerOptions) {
    this.looks = options.delays.watch === undefined;
  }

  async start(): Promise<void> {
    if (this.loop || this.stopped) return;
    this.unwatch = this.options.delays.watch?.((stream) => this.look(stream));
    this.loop = this.run();
  }

  /** Awaits promotions under way. The store carries each out in one step. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.unwatch?.();
    const unheard = this.hints?.close();
    this.rest.abort();
    await this.loop;
    await Promise.all([...this.underWay, unheard]);
  }

  /** Promotes messages of these streams from now on, no matter which process schedules them. */
  keep(streams: readonly string[]): void {
    if (this.stopped) return;
    if (this.looks) this.hints ??= this.options.delays.hints?.((stream) => this.look(stream));
    this.hints?.follow(streams);
    for (const stream of streams) {
      this.watched(stream).kept = true;
      this.look(stream);
    }
  }

  /** This process has scheduled a message. */
  expect(stream: string, when: When): void {
    // Only the server knows how far away a time of day is.
    if ('at' in when) return this.look(stream);
    this.wakeAt(stream, this.options.clock.now() + when.in);
  }

  private look(stream: string): void {
    this.wakeAt(stream, 0);
  }

  private wakeAt(stream: string, dueAt: number): void {
    const watched = this.watched(stream);
    if (dueAt >= watched.dueAt) return;
    watched.dueAt = dueAt;
    this.rest.abort();
  }

  private watched(stream: string): Watched {
    let watched = this.streams.get(stream);
    if (!watched) this.streams.set(stream, (watched = new Watched()));
    return watched;
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      this.rest = new AbortController();
      const wait = this.untilNext();
      if (wait > 0) await this.nap(wait);
      else this.begin();
    }
  }

  /** Milliseconds until the next promotion or look; 0: now. */
  private untilNext(): number {
    const now = this.options.clock.now();
    let next = Infinity;
    for (const { dueAt, promoting } of this.streams.values()) {
      if (!promoting) next = Math.min(next, dueAt);
    }
    if (this.looks && this.streams.size > 0) next = Math.min(next, this.nextLook);
    const gathering = this.looks && !this.more ? this.promotedAt + GATHER - now : 0;
    return Math.max(next - now, gathering, 0);
  }

  private nap(wait: number): Promise<void> {
    const { signal } = this.rest;
    if (wait !== Infinity) return sleep(this.options.clock, wait, signal);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  }

  private begin(): void {
    const now = this.options.clock.now();
    const looking = this.looks && this.nextLook <= now;
    if (looking) this.nextLook = now + LOOK_EVERY * (0.75 + Math.random() / 4);
    const streams: string[] = [];
    for (const [stream, watched] of this.streams) {
      const due = watched.dueAt <= now || (looking && !watched.failed);
      if (watched.promoting || !due) continue;
      watched.promoting = true;
      watched.dueAt = Infinity;
      streams.push(stream);
    }
    this.more = false;
    this.promotedAt = now;
    if (streams.length === 0) return;
    const promoting = this.promote(streams).finally(() => {
      this.underWay.delete(promoting);
      this.rest.abort();
    });
    this.underWay.add(promoting);
  }

  private async promote(streams: readonly string[]): Promise<void> {
    const results = await this.options.delays
      .promote(streams)
      .catch((error: unknown) => streams.map(() => error as Error));
    const failures = new Set<Error>();
    for (const [index, stream] of streams.entries()) {
      const result = results[index]!;
      const watched = this.watched(stream);
      watched.promoting = false;
      if (!(result instanceof Error)) {
        this.toldOf = undefined;
        this.promoted(stream, watched, result);
      } else if (this.failed(stream, watched, result)) failures.add(result);
    }
    if (this.stopped) return;
    for (const error of failures) this.tell(error);
  }

  /** Where it goes on failing for the same reason, that is told once. */
  private tell(error: Error): void {
    if (error.message === this.toldOf) return;
    this.toldOf = error.message;
    this.options.events.emit('worker-error', { worker: 'scheduler', error });
  }

  private promoted(stream: string, watched: Watched, { moved, lost, nextIn }: Promoted): void {
    const { clock, events } = this.options;
    watched.backoff.reset();
    watched.failed = false;
    watched.stuck = '';
    if (moved > 0) events.emit('promoted', { stream, count: moved });
    if (lost > 0) events.emit('delays-lost', { stream, count: lost });
    if (nextIn === 0 && moved + lost > 0) this.more = true;
    // A message that was scheduled meanwhile may be due earlier.
    if (nextIn !== undefined) watched.dueAt = Math.min(watched.dueAt, clock.now() + nextIn);
    if (!watched.kept && watched.dueAt === Infinity) this.streams.delete(stream);
  }

  /** @returns whether the error concerns all streams, and not only this one */
  private failed(stream: string, watched: Watched, error: Error): boolean {
    watched.failed = true;
    watched.dueAt = this.options.clock.now() + watched.backoff.next();
    if (!(error instanceof WrongKeyTypeError || error instanceof PermissionDeniedError))
      return true;
    if (watched.stuck !== error.message) {
      watched.stuck = error.message;
      this.options.events.emit('delays-stuck', { stream, error });
    }
    return false;
  }
}
