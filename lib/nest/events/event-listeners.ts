import type { OnModuleInit } from '@nestjs/common';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { decoratedMethods, type DecoratedMethod, type Discovered } from './decorated-methods.js';
import { STREAM_EVENTS, type StreamEventMark } from './on-stream-event.decorator.js';

/**
 * Finds the methods with `@OnStreamEvent`, and calls them with the events of one module, until the
 * module is closed.
 */
export class EventListeners implements OnModuleInit {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'EventListeners';

  constructor(
    private readonly runtime: StreamsRuntime,
    private readonly finding: Discovered,
  ) {}

  /** All providers exist by now, and nothing has been read yet. */
  onModuleInit(): void {
    const { name } = this.runtime.options;
    for (const method of decoratedMethods<readonly StreamEventMark[]>(
      this.finding,
      STREAM_EVENTS,
    )) {
      const marks = method.mark.filter((mark) => (mark.name ?? name) === name);
      if (marks.length === 0) continue;
      if (method.callable) for (const mark of marks) this.listen(mark, method);
      else this.warn(method.label);
    }
  }

  private listen(
    { event: name }: StreamEventMark,
    { call, label }: DecoratedMethod<unknown>,
  ): void {
    const { events, options, whenClosed } = this.runtime;
    whenClosed.push(events.on(name, (event) => call(event, options.name), label));
  }

  private warn(label: string): void {
    this.runtime.events.emit('warning', {
      code: 'REQUEST_SCOPED_LISTENER',
      message: `${label} has @OnStreamEvent and is never called: the application has no instance of its class. Move it to a provider of the default scope.`,
    });
  }
}
