import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEventName, StreamsEvents } from '../../lib/core/events.js';
import type { Lease } from '../../lib/core/lease.js';
import { ack } from '../../lib/core/settlement.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { SubscribeOptions, Subscription } from '../../lib/ports/subscription.js';

/** One process as PostgreSQL sees it: a driver, its events, and what it reads. */
export class PostgresReader {
  readonly events = new EventBus();
  readonly driver: Driver;
  private readonly subscriptions: Subscription[] = [];

  constructor(options: PostgresOptions, keyPrefix = '') {
    this.driver = postgres(options).open({ events: this.events, keyPrefix });
  }

  record<N extends StreamsEventName>(name: N): StreamsEvents[N][] {
    const seen: StreamsEvents[N][] = [];
    this.events.on(name, (event) => seen.push(event));
    return seen;
  }

  async read(
    stream: string,
    group: string,
    options: Partial<SubscribeOptions> = {},
  ): Promise<Subscription> {
    const subscription = await this.driver.source.subscribe({
      streams: [stream],
      group,
      consumer: 'A',
      startId: '0',
      blockTimeout: 100,
      idleTimeout: 60_000,
      reclaimInterval: 100,
      ...options,
    });
    this.subscriptions.push(subscription);
    return subscription;
  }

  /** Publishes messages with these values. Returns their ids. */
  async publish(stream: string, ...values: string[]): Promise<string[]> {
    const entries = values.map((value) => ({ stream, fields: ['value', value] }));
    const ids = await this.driver.source.publish(entries);
    for (const id of ids) if (id instanceof Error) throw id;
    return ids as string[];
  }

  async ack(...leases: readonly Lease[]): Promise<void> {
    const outcomes = await this.driver.source.settle(
      leases.map((lease) => ({ lease, settlement: ack })),
    );
    for (const outcome of outcomes) if (outcome instanceof Error) throw outcome;
  }

  async close(): Promise<void> {
    await Promise.all(this.subscriptions.map((subscription) => subscription.stop()));
    await this.driver.source.close();
  }
}

export const valueOf = (lease: Lease): string | undefined => lease.fields?.[1];

/** Pulls until so many have come. */
export async function take(from: Subscription, count: number, ms = 10_000): Promise<Lease[]> {
  const leases: Lease[] = [];
  const deadline = performance.now() + ms;
  while (leases.length < count) {
    if (performance.now() > deadline) {
      throw new Error(`Only ${leases.length} of ${count} messages came within ${ms} ms`);
    }
    leases.push(...(await from.pull(count - leases.length)));
  }
  return leases;
}

/** Pulls so many times. Returns what came. */
export async function pulls(from: Subscription, times: number): Promise<Lease[]> {
  const leases: Lease[] = [];
  for (let time = 0; time < times; time++) leases.push(...(await from.pull(100)));
  return leases;
}
