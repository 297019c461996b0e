import type { GroupLag, LagSeverity, LagThreshold, StreamLagExceeded } from '../../core/lag.js';
import { eventMatcher } from '../../core/routing.js';

interface Limit {
  readonly at: number;
  readonly severity: LagSeverity;
  readonly covers: (stream: string, group: string) => boolean;
}

/** Knows which thresholds are exceeded, and tells each change once. */
export class LagAlarms {
  private readonly limits: readonly Limit[];
  private readonly raised = new Map<string, StreamLagExceeded>();

  constructor(
    thresholds: readonly LagThreshold[],
    private readonly recovery: number,
  ) {
    this.limits = thresholds.flatMap(limitsOf);
  }

  /** What has changed. `streams` are those that were read. */
  check(lags: readonly GroupLag[], streams: readonly string[]): StreamLagExceeded[] {
    const seen = new Set<string>();
    const changes = lags.flatMap(({ stream, group, lag }) =>
      this.limits.flatMap((limit, index) => {
        if (!limit.covers(stream, group)) return [];
        const key = JSON.stringify([stream, group, index]);
        seen.add(key);
        // What is not known is no news.
        return lag === null ? [] : this.compare(key, { stream, group, lag }, limit);
      }),
    );
    return [...changes, ...this.gone(seen, streams)];
  }

  private compare(
    key: string,
    { stream, group, lag }: { stream: string; group: string; lag: number },
    { at, severity }: Limit,
  ): StreamLagExceeded[] {
    const before = this.raised.get(key);
    if (before) return lag > at * this.recovery ? [] : [this.recover(key, before, lag)];
    if (lag <= at) return [];
    const about = { type: 'STREAM_LAG', stream, consumerGroup: group, lag, severity } as const;
    const event = { ...about, threshold: at, recovered: false };
    this.raised.set(key, event);
    return [event];
  }

  /** Nothing waits for a group that is not there any more. */
  private gone(seen: ReadonlySet<string>, streams: readonly string[]): StreamLagExceeded[] {
    return [...this.raised]
      .filter(([key, { stream }]) => !seen.has(key) && streams.includes(stream))
      .map(([key, event]) => this.recover(key, event, 0));
  }

  private recover(key: string, event: StreamLagExceeded, lag: number): StreamLagExceeded {
    this.raised.delete(key);
    return { ...event, lag, recovered: true };
  }
}

function limitsOf({ streams = '*', groups = '*', warning, critical }: LagThreshold): Limit[] {
  const [ofStream, ofGroup] = [anyOf(streams), anyOf(groups)];
  const covers = (stream: string, group: string) => ofStream(stream) && ofGroup(group);
  return [
    ...(warning === undefined ? [] : [{ at: warning, severity: 'WARNING' as const, covers }]),
    ...(critical === undefined ? [] : [{ at: critical, severity: 'CRITICAL' as const, covers }]),
  ];
}

function anyOf(patterns: string | readonly string[]): (name: string) => boolean {
  const matchers = [patterns].flat().map((pattern) => eventMatcher(pattern as string));
  return (name) => matchers.some((matches) => matches(name));
}
