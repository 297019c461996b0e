import { Redis } from 'ioredis';
import { onTestFinished } from 'vitest';
import { Balancer } from '../../lib/load-balancing/balancer.js';
import type { StreamNotification } from '../../lib/load-balancing/notifications.js';
import { systemClock } from '../../lib/core/clock.js';
import { type StreamsEvents } from '../../lib/core/events.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import {
  resolveLoadBalancer,
  type LoadBalancerOptions,
} from '../../lib/options/load-balancer-options.js';
import type { RedisOptions } from '../../lib/drivers/redis/connection/redis.options.js';
import type { DriverFactory } from '../../lib/ports/driver.js';
import { until } from './until.js';

export interface BalancedOptions extends Partial<LoadBalancerOptions> {
  /** Undefined: `driver` is given. */
  readonly redis?: RedisOptions;
  readonly driver?: DriverFactory;
  readonly keyPrefix?: string;
}

/** A consumer of a service, with all that it was told. Closed when the test has finished. */
export class Balanced {
  readonly events = new EventBus();
  readonly heard: StreamNotification[] = [];
  readonly failures: StreamsEvents['worker-error'][] = [];
  readonly warnings: StreamsEvents['warning'][] = [];
  readonly balancer: Balancer;
  private readonly close: () => Promise<void>;

  constructor({ redis: place, driver: factory, keyPrefix = '', ...options }: BalancedOptions) {
    const driver = (factory ?? redis(place)).open({ events: this.events, keyPrefix });
    this.close = () => driver.source.close();
    this.events.on('worker-error', (event) => this.failures.push(event));
    this.events.on('warning', (event) => this.warnings.push(event));
    this.balancer = new Balancer({
      ...resolveLoadBalancer({ service: 'svc', consumerId: 'c', ...options }),
      clock: systemClock,
      events: this.events,
      ownership: driver.ownership!,
    });
    this.balancer.listen((notification) => this.heard.push(notification));
    onTestFinished(() => this.stop());
  }

  static async start(options: BalancedOptions): Promise<Balanced> {
    const balanced = new Balanced(options);
    await balanced.balancer.start();
    return balanced;
  }

  /** What it was told, as `StreamAdded one`. */
  get said(): string[] {
    return this.heard.map((one) =>
      one.type === 'StreamTerminated' ? one.type : `${one.type} ${one.payload.dataStreamName}`,
    );
  }

  get owned(): string[] {
    return this.balancer
      .streams()
      .map(({ stream }) => stream)
      .sort();
  }

  hears(what: string, ms?: number): Promise<void> {
    return until(
      what,
      () => this.said.includes(what),
      ms,
      () => this.said,
    );
  }

  /** The last notification of this type. */
  last<T extends StreamNotification['type']>(type: T): Extract<StreamNotification, { type: T }> {
    return this.heard.findLast((one) => one.type === type) as Extract<
      StreamNotification,
      { type: T }
    >;
  }

  /** Works on streams by owning them. */
  claims(): this {
    this.balancer.workWith({
      added: () => undefined,
      letGo: () => Promise.resolve(),
      lost: () => undefined,
    });
    return this;
  }

  async stop(): Promise<void> {
    await this.balancer.end(false, 'the test is over').catch(() => undefined);
    await this.close();
  }

  /** Its connections end, as if its process had died. */
  die(): Promise<void> {
    return this.close();
  }
}

/** Adds a stream as other programs do. */
export const announce = (
  client: Redis,
  stream: string,
  info: object = {},
  service = 'svc',
): Promise<string | null> =>
  client.xadd(
    `${service}-input`,
    '*',
    'lbs-input',
    JSON.stringify({ DataStreamName: stream, Info: info }),
  );
