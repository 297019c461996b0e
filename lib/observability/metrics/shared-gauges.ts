import { sleep, type Clock } from '../../core/clock.js';
import { asError } from '../../core/errors/error-record.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { EventBus } from '../../core/event-bus.js';
import type { GroupLag } from '../../core/lag.js';
import type { Worker } from '../../core/worker.js';
import type { DeadLetterQueue } from '../../ports/dead-letters.js';
import type { DelayStore } from '../../ports/delays.js';
import type { MetricKey } from './catalog.js';
import type { MetricStore } from './metric-store.js';

/** Where streams and groups are read. */
export interface SharedSource {
  readonly events: EventBus;
  readonly clock: Clock;
  readonly lag: { read(streams?: readonly string[]): Promise<GroupLag[]> };
  readonly deadLetters: DeadLetterQueue | undefined;
  readonly delays: DelayStore | undefined;
  /** The streams that this process consumes at present. */
  readonly consumed: () => Iterable<string>;
}

/** After so many intervals a value says nothing of this moment. */
const STALE_AFTER = 3;

interface Value {
  readonly key: MetricKey;
  readonly labels: readonly string[];
  readonly value: number;
}

/** The values that one stream had when it was read last. */
interface Look {
  readonly at: number;
  readonly values: readonly Value[];
}

/**
 * Reads at intervals what is the same for all processes of a group: lag, pending messages, delayed
 * messages, dead letters. Scrapes read nothing, so their number costs the server nothing. What cannot
 * be read keeps its last values for three intervals, and has none from then on.
 */
export class SharedGauges implements Worker {
  private looks = new Map<string, Look>();
  private loop: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private rest = new AbortController();
  private readonly offs: (() => void)[] = [];

  /** @param interval in milliseconds */
  constructor(
    private readonly sources: readonly SharedSource[],
    private readonly store: MetricStore,
    private readonly interval: number,
  ) {}

  /** Reads at intervals from now on, and once more whenever this process begins to consume. */
  async start(): Promise<void> {
    const [source] = this.sources;
    if (!source || this.loop || this.stopping.signal.aborted) return;
    for (const { events } of this.sources) {
      this.offs.push(
        events.on('started', () => this.rest.abort()),
        events.on('consumer-started', () => this.rest.abort()),
      );
    }
    this.loop = this.run(source.clock);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.rest.abort();
    for (const off of this.offs.splice(0)) off();
    await this.loop;
  }

  private async run(clock: Clock): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      // Before the look: a stream that is consumed from now on is read at once.
      this.rest = new AbortController();
      await this.look(clock);
      // Jitter, so that processes that were started together do not read at the same moments.
      const wait = this.interval * (0.75 + Math.random() / 4);
      if (!signal.aborted) await sleep(clock, wait, this.rest.signal);
    }
  }

  private async look(clock: Clock): Promise<void> {
    const reads = this.sources.flatMap((source, index) =>
      [...new Set(source.consumed())].map(async (stream) => {
        const values = await this.read(source, stream);
        if (values) this.looks.set(`${index} ${stream}`, { at: clock.now(), values });
      }),
    );
    await Promise.all(reads);
    this.forget(clock.now() - STALE_AFTER * this.interval);
    this.show();
  }

  private forget(before: number): void {
    this.looks = new Map([...this.looks].filter(([, { at }]) => at >= before));
  }

  private show(): void {
    for (const key of SHARED) this.store.of(key).clear();
    for (const { values } of this.looks.values()) {
      for (const { key, labels, value } of values) this.store.set(key, labels, value);
    }
  }

  /** Returns undefined where a read has failed. */
  private async read(source: SharedSource, stream: string): Promise<Value[] | undefined> {
    try {
      const parts = await Promise.all([
        lagOf(source, stream),
        deadLettersOf(source, stream),
        delaysOf(source, stream),
      ]);
      return parts.flat();
    } catch (thrown) {
      if (this.stopping.signal.aborted) return undefined;
      source.events.emit('worker-error', { worker: 'metrics', error: asError(thrown) });
      return undefined;
    }
  }
}

const SHARED = [
  'groupLag',
  'groupTimeLag',
  'groupPending',
  'groupOldestPending',
  'groupConsumers',
  'streamLength',
  'delayed',
  'delayedOverdue',
  'deadLetters',
  'deadLettersOldest',
] as const satisfies readonly MetricKey[];

async function lagOf({ lag }: SharedSource, stream: string): Promise<Value[]> {
  const rows = await lag.read([stream]).catch((error: unknown): GroupLag[] => {
    if (error instanceof UnsupportedFeatureError) return [];
    throw error;
  });
  const lengths = rows.slice(0, 1).map(({ length }) => valueOf('streamLength', [stream], length));
  return [
    ...lengths,
    ...rows.flatMap((row) => {
      const labels = [stream, row.group];
      return [
        ...(row.lag === null ? [] : [valueOf('groupLag', labels, row.lag)]),
        valueOf('groupTimeLag', labels, row.timeLag / 1000),
        valueOf('groupPending', labels, row.pending),
        valueOf('groupOldestPending', labels, row.oldestPendingAge / 1000),
        ...(row.consumers === null ? [] : [valueOf('groupConsumers', labels, row.consumers)]),
      ];
    }),
  ];
}

async function deadLettersOf({ deadLetters, clock }: SharedSource, stream: string) {
  if (!deadLetters) return [];
  const [count, { items }] = await Promise.all([
    deadLetters.count?.(stream),
    deadLetters.list(stream, 1),
  ]);
  const since = items.map(({ deadLetteredAt }) => clock.wallTime() - Date.parse(deadLetteredAt));
  return [
    ...(count === undefined ? [] : [valueOf('deadLetters', [stream], count)]),
    valueOf('deadLettersOldest', [stream], secondsOf(since)),
  ];
}

async function delaysOf({ delays, clock }: SharedSource, stream: string) {
  if (!delays) return [];
  const [count, { items }] = await Promise.all([delays.count?.(stream), delays.list(stream, 1)]);
  const since = items.map(({ dueAt }) => clock.wallTime() - dueAt);
  return [
    ...(count === undefined ? [] : [valueOf('delayed', [stream], count)]),
    valueOf('delayedOverdue', [stream], secondsOf(since)),
  ];
}

const valueOf = (key: MetricKey, labels: readonly string[], value: number): Value => ({
  key,
  labels,
  value,
});

/** 0 where there is none, or a clock is behind. */
const secondsOf = ([ms = 0]: readonly number[]): number => Math.max(0, ms) / 1000;
