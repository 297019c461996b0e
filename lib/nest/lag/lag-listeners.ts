import type { OnApplicationBootstrap } from '@nestjs/common';
import type { StreamLagExceeded } from '../../core/lag.js';
import { eventMatcher } from '../../core/routing.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { decoratedMethods, type Discovered } from '../events/decorated-methods.js';
import { STREAM_LAG_FILTERS, type StreamLagFilter } from './on-stream-lag.decorator.js';

/** Finds the methods with `@OnStreamLag`, and calls them with the alarms that they are for. */
export class LagListeners implements OnApplicationBootstrap {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'LagListeners';

  constructor(
    private readonly runtime: StreamsRuntime,
    private readonly finding: Discovered,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { name } = this.runtime.options;
    for (const { mark, label, call, callable } of decoratedMethods<StreamLagFilter>(
      this.finding,
      STREAM_LAG_FILTERS,
    )) {
      if ((mark.name ?? 'default') !== name) continue;
      if (callable) this.listen(mark, label, call);
      else this.warn(label);
    }
    await this.runtime.lag.start();
  }

  private listen(
    filter: StreamLagFilter,
    label: string,
    callback: (event: StreamLagExceeded) => unknown,
  ): void {
    const { events, whenClosed } = this.runtime;
    const wanted = matcherOf(filter);
    whenClosed.push(
      events.on('stream-lag', (event) => (wanted(event) ? callback(event) : undefined), label),
    );
  }

  private warn(label: string): void {
    this.runtime.events.emit('warning', {
      code: 'REQUEST_SCOPED_LISTENER',
      message: `${label} has @OnStreamLag and is never called: the application has no instance of its class. Move it to a provider of the default scope.`,
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
