import { sleep, type Clock } from '../core/clock.js';
import type { EventBus } from '../core/event-bus.js';
import type { Retention, TrimOrder } from '../ports/retention.js';
import type { RetentionPolicies } from '../options/retention-options.js';
import type { Worker } from '../core/worker.js';

/**
 * A stream from which nothing could be deleted is visited less and less often, down to once in this
 * many intervals.
 */
const MOST_SKIPPED = 4;
/** Most portions of one stream before the other streams have their turn. */
const PORTIONS = 50;

export interface RetainerOptions {
  readonly retention: Retention;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly policies: RetentionPolicies;
  /** Between two visits to a stream from which entries were deleted, in milliseconds. */
  readonly interval: number;
  /** The streams consumed at present, with the groups of this process on each. */
  readonly consumed: () => ReadonlyMap<string, readonly string[]>;
}

/**
 * Has streams trimmed by their policies. Every process trims the streams that it consumes. Several
 * at once do no harm: each deletion is one step that looks at all groups.
 */
export class Retainer implements Worker {
  private loop: Promise<void> | undefined;
  private readonly stopped = new AbortController();
  /**
   * Per stream: the rounds still to skip, and how many are skipped after a visit that deleted
   * nothing.
   */
  private readonly rests = new Map<string, { left: number; length: number }>();

  constructor(private readonly options: RetainerOptions) {}

  async start(): Promise<void> {
    this.loop ??= this.run();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.loop;
  }

  private async run(): Promise<void> {
    const { clock, interval } = this.options;
    const { signal } = this.stopped;
    while (!signal.aborted) {
      // Jitter, so that processes that were started together do not trim at the same moments.
      await sleep(clock, interval * (0.75 + Math.random() / 4), signal);
      if (!signal.aborted) await this.round();
    }
  }

  private async round(): Promise<void> {
    const { consumed, policies } = this.options;
    const streams = consumed();
    for (const stream of this.rests.keys()) if (!streams.has(stream)) this.rests.delete(stream);
    for (const [stream, groups] of streams) {
      const policy = policies(stream);
      if (this.stopped.signal.aborted) return;
      if (policy !== 'keep' && this.isDue(stream)) await this.visit(stream, { policy, groups });
    }
  }

  private isDue(stream: string): boolean {
    const rest = this.rests.get(stream);
    return !rest || rest.left-- <= 0;
  }

  private async visit(stream: string, order: TrimOrder): Promise<void> {
    let count = 0;
    try {
      count = await this.trim(stream, order);
    } catch (thrown) {
      const error = thrown as Error;
      this.options.events.emit('worker-error', { worker: 'retention', error });
    }
    const before = this.rests.get(stream)?.length ?? 0;
    const length = count > 0 ? 0 : Math.min(2 * before + 1, MOST_SKIPPED);
    this.rests.set(stream, { left: length, length });
  }

  private async trim(stream: string, order: TrimOrder): Promise<number> {
    let [count, lost] = [0, 0];
    const losers = new Set<string>();
    try {
      for (let portion = 0; portion < PORTIONS && !this.stopped.signal.aborted; portion++) {
        const trimmed = await this.options.retention.trim(stream, order);
        count += trimmed.count;
        lost += trimmed.lost;
        for (const group of trimmed.groups) losers.add(group);
        if (!trimmed.more) break;
      }
      return count;
    } finally {
      // Emitted also where a later portion has failed.
      if (count > 0) {
        this.options.events.emit('entries-deleted', { stream, count, lost, groups: [...losers] });
      }
    }
  }
}
