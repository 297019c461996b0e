import type { Clock } from '../core/clock.js';
import type { Driver } from '../ports/driver.js';
import { UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import { join } from '../core/collections/grouped.js';
import { type RetentionPolicy } from '../ports/retention.js';
import { retentionPolicies, type RetentionRule } from '../options/retention-options.js';
import { Retainer } from './retainer.js';

export interface RetainingOptions {
  readonly retention: RetentionPolicy | readonly RetentionRule[];
  readonly retentionInterval: number;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly driver: Driver;
  readonly consumers: () => readonly { readonly plan: Consumed }[];
}

interface Consumed {
  readonly group: string;
  readonly tables: ReadonlyMap<string, unknown>;
}

/**
 * The worker that carries out the option `retention`. Undefined where everything is kept.
 * @throws UnsupportedFeatureError where the driver has no retention
 */
export function createRetainer(options: RetainingOptions): Retainer | undefined {
  const { retention: given, driver, clock, events, retentionInterval: interval } = options;
  if (given === 'keep') return undefined;
  const { retention, source } = driver;
  if (!retention) {
    const { technology } = source.capabilities;
    const advice = "Set the option retention to 'keep', and have the server delete messages.";
    throw new UnsupportedFeatureError('Retention', technology, advice);
  }
  const policies = retentionPolicies(given);
  const consumed = () => groupsByStream(options.consumers().map(({ plan }) => plan));
  return new Retainer({ retention, clock, events, interval, policies, consumed });
}

function groupsByStream(plans: readonly Consumed[]): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { group, tables } of plans) {
    for (const stream of tables.keys()) {
      if (!groups.get(stream)?.includes(group)) join(groups, stream, group);
    }
  }
  return groups;
}
