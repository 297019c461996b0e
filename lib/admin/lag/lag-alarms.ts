import type { GroupLag, LagSeverity, StreamLagExceeded } from '../../core/lag.js';
import type { LagThreshold } from '../../options/lag-options.js';
import { eventMatcher } from '../../core/routing.js';

interface Limit {
  readonly at: number;
  /** Entries, or the age of the oldest message, in milliseconds. */
  readonly of: 'entries' | 'age';
  readonly severity: LagSeverity;
  readonly covers: (stream: string, group: string) => boolean;
}

/** Knows which thresholds are exceeded, and reports each change once. */
export class LagAlarms {
  private readonly limits: readonly Limit[];
  private readonly raised = new Map<string, StreamLagExceeded>();

  constructor(
    thresholds: readonly LagThreshold[],
    private readonly recovery: number,
  ) {
    this.limits = thresholds.flatMap(limitsOf);
  }

  /**
   * @param streams those that were read
   * @returns the changes since the call before
   */
  check(lags: readonly GroupLag[], streams: readonly string[]): StreamLagExceeded[] {
    const seen = new Set<string>();
    const changes = lags.flatMap((row) =>
      this.limits.flatMap((limit, index) => {
        if (!limit.covers(row.stream, row.group)) return [];
        const key = JSON.stringify([row.stream, row.group, index]);
        seen.add(key);
        return this.compare(key, row, limit);
      }),
    );
    return [...changes, ...this.gone(seen, streams)];
  }

  private compare(key: string, row: GroupLag, { at, of, severity }: Limit): StreamLagExceeded[] {
    const { stream, group, lag } = row;
    const age = Math.max(row.timeLag, row.oldestPendingAge);
    const measured = of === 'age' ? age : lag;
    // An unknown value neither raises nor ends an alarm.
    if (measured === null) return [];
    const known = of === 'age' ? { lag, age } : { lag };
    const before = this.raised.get(key);
    if (before) return measured > at * this.recovery ? [] : [this.recover(key, before, known)];
    if (measured <= at) return [];
    const about = { type: 'STREAM_LAG', stream, consumerGroup: group, severity } as const;
    const event = { ...about, ...known, threshold: at, recovered: false };
    this.raised.set(key, event);
    return [event];
  }

  /** Ends the alarms of groups that exist no more: no message waits for them. */
  private gone(seen: ReadonlySet<string>, streams: readonly string[]): StreamLagExceeded[] {
    return [...this.raised]
      .filter(([key, { stream }]) => !seen.has(key) && streams.includes(stream))
      .map(([key, event]) =>
        this.recover(key, event, event.age === undefined ? { lag: 0 } : { lag: 0, age: 0 }),
      );
  }

  private recover(
    key: string,
    event: StreamLagExceeded,
    known: Pick<StreamLagExceeded, 'lag' | 'age'>,
  ): StreamLagExceeded {
    this.raised.delete(key);
    return { ...event, ...known, recovered: true };
  }
}

function limitsOf({
  streams = '*',
  groups = '*',
  warning,
  critical,
  maxAge,
}: LagThreshold): Limit[] {
  const [ofStream, ofGroup] = [anyOf(streams), anyOf(groups)];
  const covers = (stream: string, group: string) => ofStream(stream) && ofGroup(group);
  const limit = (at: number | undefined, of: Limit['of'], severity: LagSeverity): Limit[] =>
    at === undefined ? [] : [{ at, of, severity, covers }];
  return [
    ...limit(warning, 'entries', 'WARNING'),
    ...limit(critical, 'entries', 'CRITICAL'),
    ...limit(maxAge, 'age', 'CRITICAL'),
  ];
}

function anyOf(patterns: string | readonly string[]): (name: string) => boolean {
  const matchers = [patterns].flat().map((pattern) => eventMatcher(pattern as string));
  return (name) => matchers.some((matches) => matches(name));
}
