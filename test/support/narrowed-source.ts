import { randomUUID } from 'node:crypto';
import type { Lease } from '../../lib/core/lease.js';
import type { Driver, DriverFactory } from '../../lib/ports/driver.js';
import type { MessageSource } from '../../lib/ports/source.js';
import type { SourceCapabilities } from '../../lib/ports/source-capabilities.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { driverWith } from './driver-with.js';

/** Ports that need a source which remembers groups, or single entries. */
const ABOUT_GROUPS = { live: undefined, pending: undefined, groups: undefined, leases: undefined };

interface Narrowing {
  /** Ports beside the source that are left out, or changed. */
  readonly ports?: Partial<Record<keyof Driver, unknown>>;
  readonly source: (driver: Driver) => Partial<MessageSource>;
  readonly capabilities?: Partial<SourceCapabilities>;
}

/** The same driver, with a source that can do less. */
function narrowed(
  factory: DriverFactory,
  { ports, source, capabilities }: Narrowing,
): DriverFactory {
  return driverWith(factory, (driver) => {
    const changed: MessageSource = Object.assign(Object.create(driver.source), source(driver));
    Object.defineProperty(changed, 'capabilities', {
      value: { ...driver.source.capabilities, ...capabilities },
    });
    return { ...ports, source: changed };
  });
}

/** A source that remembers no group: each subscription begins where the engine says. */
export const withoutPositions = (factory: DriverFactory): DriverFactory =>
  narrowed(factory, {
    capabilities: { positions: 'engine', leaves: false },
    ports: ABOUT_GROUPS,
    source: ({ source, groups }) => ({
      settledUpTo: undefined as never,
      subscribe: async (options) => {
        const group = randomUUID();
        for (const stream of options.streams) {
          const startId = options.positions?.get(stream) ?? options.startId;
          await groups!.create(stream, group, { startId, createStream: true });
        }
        const subscription = await source.subscribe({ ...options, group });
        const began = new Map<string, string>();
        for (const stream of options.startId === '$' ? options.streams : []) {
          const [report] = await groups!.describe([stream]);
          const own = report!.groups.find(({ name }) => name === group)!;
          if (!options.positions?.has(stream)) began.set(stream, own.lastDeliveredId);
        }
        return Object.assign(Object.create(subscription) as Subscription, { began });
      },
    }),
  });

/** A source that cannot tell how far a group is. */
export const withoutFloor = (factory: DriverFactory): DriverFactory =>
  narrowed(factory, { source: () => ({ settledUpTo: undefined as never }) });

/** A source whose streams have partitions. */
export const withPartitions = (
  factory: DriverFactory,
  partitionOf: (lease: Lease) => string,
): DriverFactory =>
  narrowed(factory, {
    capabilities: { holds: 'partition', leaves: false },
    ports: ABOUT_GROUPS,
    source: ({ source }) => ({
      subscribe: async (options) => {
        const subscription = await source.subscribe(options);
        const pull: Subscription['pull'] = async (limit) => {
          const leases = await subscription.pull(limit);
          for (const lease of leases) Object.assign(lease, { partition: partitionOf(lease) });
          return leases;
        };
        return Object.assign(Object.create(subscription) as Subscription, { pull });
      },
    }),
  });
