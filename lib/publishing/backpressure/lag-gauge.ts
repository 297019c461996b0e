import type { MaxLag } from '../../options/backpressure-options.js';
import type { Clock } from '../../core/clock.js';
import { ConnectionError } from '../../core/errors/connection.errors.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import type { GroupAdmin, GroupReport } from '../../ports/group-admin.js';

/** How long a reading of lag is used, in milliseconds. */
export const READING_LASTS = 250;
/** How long the answer whether a group has live consumers is used, in milliseconds. */
const LIFE_LASTS = 5000;
/** A consumer that has sent no command for this time is not live, in milliseconds. */
const LIVE_WITHIN = 60_000;

/** The group that is furthest behind. */
export interface Slowest {
  readonly group: string;
  readonly lag: number;
}

/** Reads how far the groups of one stream are behind. All callers share a reading. */
export class LagGauge {
  private groups: readonly GroupReport[] = [];
  private readAt = -Infinity;
  private reading: Promise<void> | undefined;
  private readonly life = new Map<
    string,
    { readonly live: Promise<boolean>; readonly askedAt: number }
  >();

  constructor(
    private readonly stream: string,
    private readonly admin: GroupAdmin,
    private readonly clock: Clock,
  ) {}

  /**
   * @returns undefined where no lag of these groups is known, and where the server cannot be
   * reached
   */
  async slowest(limit: number | MaxLag): Promise<Slowest | undefined> {
    try {
      await this.refresh();
      if (typeof limit === 'object') return highest(this.groups, limit.groups);
      return await this.highestLive(limit);
    } catch (error) {
      // The publication itself will fail with this error.
      if (error instanceof ConnectionError) return undefined;
      throw error;
    }
  }

  private async refresh(): Promise<void> {
    if (this.clock.now() - this.readAt < READING_LASTS && !this.reading) return;
    this.reading ??= this.read().finally(() => {
      this.reading = undefined;
    });
    await this.reading;
  }

  private async read(): Promise<void> {
    const [report] = await this.admin.describe([this.stream]);
    this.groups = report?.groups ?? [];
    this.readAt = this.clock.now();
    for (const name of this.life.keys()) {
      if (!this.groups.some((group) => group.name === name)) this.life.delete(name);
    }
  }

  /** Skips the liveness check for groups whose lag is within the limit. */
  private async highestLive(limit: number): Promise<Slowest | undefined> {
    const names: string[] = [];
    for (const { name, lag } of this.groups) {
      if (lag === null) continue;
      if (lag <= limit || (await this.isLive(name))) names.push(name);
    }
    return highest(this.groups, names);
  }

  /** Asks the server once for all callers. Where it knows no consumers, each group counts as live. */
  private isLive(group: string): Promise<boolean> {
    const known = this.life.get(group);
    const now = this.clock.now();
    if (known && now - known.askedAt < LIFE_LASTS) return known.live;
    const live = this.askLife(group);
    this.life.set(group, { live, askedAt: now });
    live.catch(() => this.life.delete(group));
    return live;
  }

  private async askLife(group: string): Promise<boolean> {
    try {
      const consumers = await this.admin.consumers?.(this.stream, group);
      return !consumers || consumers.some(({ idleMs }) => idleMs < LIVE_WITHIN);
    } catch (error) {
      const gone = error instanceof GroupNotFoundError || error instanceof StreamNotFoundError;
      if (gone) return false;
      throw error;
    }
  }
}

function highest(groups: readonly GroupReport[], names: readonly string[]): Slowest | undefined {
  let found: Slowest | undefined;
  for (const { name, lag } of groups) {
    if (lag === null || !names.includes(name)) continue;
    if (!found || lag > found.lag) found = { group: name, lag };
  }
  return found;
}
