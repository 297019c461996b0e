import { ConsumerCrashedError } from '../../../core/errors/subscription.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { SubscribeOptions } from '../../../ports/subscription.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import type { Reclaimed } from './reclaimed.js';

export interface CrashWatchOptions {
  readonly events: EventBus;
  readonly group: string;
  readonly crashedAfter: number;
}

interface Watched {
  /** Number of entries that were taken over from it before it was known to have crashed. */
  taken: number;
  /** When that was, in milliseconds. */
  at: number;
  /**
   * How many looks in a row have found it silent. After an outage consumers may not be back at the
   * first look.
   */
  silent: number;
  reported: boolean;
}

/** How long a consumer of a group may be silent, in milliseconds. */
export interface SilenceLimits {
  /** After this silence the consumer counts as crashed. */
  readonly crashedAfter: number;
  /** After this silence the consumer is removed. */
  readonly absentAfter: number;
}

export function silenceLimits({
  idleTimeout,
  blockTimeout,
  crashedAfter = 3 * Math.max(idleTimeout, blockTimeout),
}: Pick<SubscribeOptions, 'idleTimeout' | 'blockTimeout' | 'crashedAfter'>): SilenceLimits {
  // A consumer is known to have crashed before it is removed.
  const absent = Math.max(2 * Math.max(idleTimeout, blockTimeout), crashedAfter);
  return { crashedAfter, absentAfter: absent + 60_000 };
}

/** Reports consumers that have gone silent while they hold entries, once each. */
export class CrashWatch {
  /** By key and consumer. Only consumers that are silent, or whose entries were taken over. */
  private readonly watched = new Map<string, Map<string, Watched>>();

  constructor(private readonly options: CrashWatchOptions) {}

  /** @param all whether every silent consumer is named: soon after an outage only some are */
  looked({ key, stream }: ReadKey, { from, silent }: Reclaimed, all: boolean): void {
    const ofKey = this.watched.get(key) ?? new Map<string, Watched>();
    const now = performance.now();
    for (const { consumer, count } of from) {
      const known = watchedOf(ofKey, consumer);
      known.taken += count;
      known.at = now;
    }
    for (const { consumer, idle, pending } of silent) {
      const known = watchedOf(ofKey, consumer);
      known.silent++;
      const held = pending + known.taken;
      if (known.silent < 2 || held === 0 || known.reported) continue;
      known.reported = true;
      this.report(stream, consumer, idle, held);
    }
    if (all) this.forget(ofKey, new Set(silent.map(({ consumer }) => consumer)), now);
    if (ofKey.size > 0) this.watched.set(key, ofKey);
    else this.watched.delete(key);
  }

  /**
   * Forgets consumers that live, or were removed. A dead consumer is silent before this time has
   * passed.
   */
  private forget(ofKey: Map<string, Watched>, silent: ReadonlySet<string>, now: number): void {
    for (const [consumer, known] of ofKey) {
      if (silent.has(consumer)) continue;
      known.silent = 0;
      const mayStillFallSilent = known.taken > 0 && now - known.at <= this.options.crashedAfter;
      if (!mayStillFallSilent || known.reported) ofKey.delete(consumer);
    }
  }

  private report(stream: string, consumer: string, idle: number, pending: number): void {
    const { events, group } = this.options;
    const error = new ConsumerCrashedError({ stream, group, consumer, idleMs: idle, pending });
    events.emit('consumer-crashed', { stream, group, consumer, error });
  }
}

function watchedOf(ofKey: Map<string, Watched>, consumer: string): Watched {
  let known = ofKey.get(consumer);
  if (!known) ofKey.set(consumer, (known = { taken: 0, at: 0, silent: 0, reported: false }));
  return known;
}
