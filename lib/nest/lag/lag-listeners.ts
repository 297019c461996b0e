import type { OnApplicationBootstrap } from '@nestjs/common';
import type { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { asError } from '../../core/errors/error-record.js';
import type { StreamLagExceeded } from '../../core/lag.js';
import { eventMatcher } from '../../core/routing.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { STREAM_LAG_FILTERS, type StreamLagFilter } from './on-stream-lag.decorator.js';

type Wrapper = ReturnType<DiscoveryService['getProviders']>[number];

/** Finds the methods with `@OnStreamLag`, and calls them with the alarms that they are for. */
export class LagListeners implements OnApplicationBootstrap {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'LagListeners';

  /** The same instance may be registered under several tokens. */
  private readonly seen = new Set<object>();

  constructor(
    private readonly runtime: StreamsRuntime,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const providers = this.discovery.getProviders();
    for (const wrapper of [...providers, ...this.discovery.getControllers()]) this.inspect(wrapper);
    await this.runtime.lag.start();
  }

  private inspect(wrapper: Wrapper): void {
    const instance: unknown = wrapper.instance;
    if (typeof instance !== 'object' || !instance || this.seen.has(instance)) return;
    this.seen.add(instance);
    const prototype = Object.getPrototypeOf(instance) as object | null;
    if (!prototype) return;
    for (const method of this.scanner.getAllMethodNames(prototype)) {
      const callback = (instance as Record<string, unknown>)[method];
      if (typeof callback !== 'function') continue;
      const filter = this.reflector.get<StreamLagFilter | undefined>(STREAM_LAG_FILTERS, callback);
      if (!filter || (filter.name ?? 'default') !== this.runtime.options.name) continue;
      const label = `${instance.constructor.name}.${method}`;
      if (wrapper.isDependencyTreeStatic()) this.listen(filter, label, callback.bind(instance));
      else this.warn(label);
    }
  }

  private listen(
    filter: StreamLagFilter,
    label: string,
    callback: (event: StreamLagExceeded) => unknown,
  ): void {
    const { events } = this.runtime;
    const wanted = matcherOf(filter);
    events.on('stream-lag', (event) => {
      if (!wanted(event)) return;
      void (async () => callback(event))().catch((thrown: unknown) => {
        events.emit('listener-failed', { listener: label, error: asError(thrown) });
      });
    });
  }

  private warn(label: string): void {
    this.runtime.events.emit('warning', {
      code: 'REQUEST_SCOPED_LISTENER',
      message: `${label} has @OnStreamLag and is never called: there is no request to make its class for. Move it to a provider of the default scope.`,
    });
  }
}

function matcherOf({ stream, group, severity, recovered }: StreamLagFilter) {
  const ofStream = eventMatcher(stream ?? '*');
  const ofGroup = eventMatcher(group ?? '*');
  return (event: StreamLagExceeded): boolean =>
    ofStream(event.stream) &&
    ofGroup(event.consumerGroup) &&
    (severity === undefined || severity === event.severity) &&
    (recovered === undefined || recovered === event.recovered);
}
