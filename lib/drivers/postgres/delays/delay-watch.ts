import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { When } from '../../../core/message.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';
import type { Streams } from '../streams/streams.js';
import { fromStored } from '../sql/exact-text.js';

/** Kind of the hints of streams with entries that are due soon. */
const KIND = 'delays';
/** Where hints arrive, looks are rarer by this factor. */
const RARER = 5;
/** A look finds entries that are due within so many intervals: those of the next look, too. */
const AHEAD = 2;
/** Entries that are due within this time are told of by a hint at least, in milliseconds. */
const SOON = 15_000;
/** How far the clock of this process and that of the server may be apart, in milliseconds. */
const SKEW = 60_000;

export interface DelayWatchOptions {
  readonly database: Database;
  readonly listener: Listener;
  readonly hints: Hints;
  readonly streams: Streams;
  readonly events: EventBus;
}

type OnScheduled = (stream: string) => void;

/**
 * Tells schedulers of streams that have entries which are due soon. A process that stores such an
 * entry sends a hint. A look every few seconds finds what no hint has told of.
 */
export class DelayWatch {
  private readonly callbacks = new Set<OnScheduled>();
  /** Names of streams by number. Undefined: the stream has another key prefix. */
  private readonly names = new Map<string, string | undefined>();
  private watching = new AbortController();
  /** The error that was told of last, until a look succeeds. */
  private toldOf: string | undefined;

  constructor(private readonly parts: DelayWatchOptions) {}

  /** Calls back for each such stream, until the returned function is called. */
  on(onScheduled: OnScheduled): () => void {
    // A function of its own: the same one may be given twice.
    const callback: OnScheduled = (stream) => onScheduled(stream);
    this.callbacks.add(callback);
    if (this.callbacks.size === 1) this.begin();
    return () => {
      this.callbacks.delete(callback);
      if (this.callbacks.size === 0) this.watching.abort();
    };
  }

  /** Interval of looks, in milliseconds. */
  private get every(): number {
    const { hears, pollInterval } = this.parts.listener;
    return hears ? RARER * pollInterval : pollInterval;
  }

  /** Call it when entries were stored. Those that the next look would find are not told of. */
  tell(entries: readonly { readonly stream: string; readonly when?: When }[]): void {
    const within = Math.max(SOON, AHEAD * this.every);
    const soon = entries.filter(({ when }) => when && isWithin(when, within));
    if (soon.length === 0) return;
    void this.parts.streams
      .idsOf(soon.map(({ stream }) => stream))
      .then((ids) => this.parts.hints.tell(KIND, ...ids.map(String)))
      .catch(() => undefined);
  }

  private begin(): void {
    const watching = new AbortController();
    this.watching = watching;
    const deaf = this.parts.listener.on(KIND, (what) => this.heard(what));
    watching.signal.addEventListener('abort', deaf);
    void this.keepLooking(watching.signal);
  }

  private async keepLooking(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { every } = this;
      await this.attempt(() => this.look(AHEAD * every));
      await sleep(systemClock, every * (0.75 + Math.random() / 4), signal);
    }
  }

  /** Finds the streams with entries that are due within this time, in milliseconds. */
  private async look(within: number): Promise<void> {
    const { database, streams } = this.parts;
    const { rows } = await database.query<{ id: number; name: string }>(
      'looking for delayed messages',
      `select stream.id, stream.name from {schema}.due_streams($2) as due
      join {schema}.stream on stream.id = due.stream where stream.prefix = $1`,
      [streams.prefix, within],
    );
    for (const { name } of rows) this.call(fromStored(name));
  }

  private heard(what: readonly string[]): void {
    if (what.length === 0) return void this.attempt(() => this.look(AHEAD * this.every));
    const unknown = what.filter((id) => !this.names.has(id));
    for (const id of what) this.call(this.names.get(id));
    if (unknown.length > 0) void this.attempt(() => this.learn(unknown));
  }

  private async learn(ids: readonly string[]): Promise<void> {
    const { database, streams } = this.parts;
    const { rows } = await database.query<{ id: number; name: string }>(
      'looking for a stream',
      'select id, name from {schema}.stream where prefix = $1 and id = any($2::int[])',
      [streams.prefix, ids],
    );
    const found = new Map(rows.map(({ id, name }) => [String(id), fromStored(name)]));
    for (const id of ids) {
      this.names.set(id, found.get(id));
      this.call(found.get(id));
    }
  }

  private call(stream: string | undefined): void {
    if (stream === undefined) return;
    for (const callback of this.callbacks) callback(stream);
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    const { signal } = this.watching;
    try {
      await work();
      this.toldOf = undefined;
    } catch (error) {
      const { message } = error as Error;
      if (signal.aborted || message === this.toldOf) return;
      this.toldOf = message;
      this.parts.events.emit('worker-error', { worker: 'scheduler', error: error as Error });
    }
  }
}

/** Only the server knows how far away a time of day is. */
const isWithin = (when: When, ms: number): boolean =>
  'in' in when ? when.in <= ms : when.at <= systemClock.wallTime() + SKEW + ms;
