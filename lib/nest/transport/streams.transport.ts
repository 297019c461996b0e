import { Server, type CustomTransportStrategy, type MessageHandler } from '@nestjs/microservices';
import type { OverrunStatus } from '../../core/overrun.js';
import { AlreadyRunningError, BindingWhileRunningError } from '../../core/errors/running.errors.js';
import type { StreamsListeners } from '../../core/events.js';
import type { StreamsOptions } from '../../options/streams-options.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import {
  defineHandlers,
  type Registration,
  type Serialization,
} from '../handling/handler-definitions.js';
import { rememberFed } from '../handling/fed-handlers.js';
import { defineFunction } from '../handling/handler-function.js';
import type { StreamContext } from '../handling/stream.context.js';
import { watchNest } from '../handling/watch-nest.js';
import type { StreamHandlerOptions } from '../handling/handler-sources.js';
import { splitSerialization } from '../serialization.js';
import { transportIdOf } from '../tokens.js';
import { ConnectionStatus, type StreamsStatus } from './connection-status.js';
import { loggerOf, logEvents } from './event-log.js';
import { END_HOOK, NestHooks } from './nest-hooks.js';
import { writeLine } from './rate-limited-log.js';
import { rememberRuntime } from './runtime-of.js';
import { withoutHandlers } from './without-handlers.js';
import { startUpLines } from './start-up-lines.js';

/** Options of {@link StreamsTransport}. */
export type StreamsTransportOptions = StreamsOptions & Serialization;

/**
 * The transport. Feeds `@StreamHandler` and `@EventPattern` methods from streams, and answers
 * requests by `@MessagePattern` methods.
 *
 * ```ts
 * const app = await NestFactory.createMicroservice(AppModule, {
 *   strategy: new StreamsTransport({ slots: { messageSource: memory() }, group: 'orders' }),
 * });
 * ```
 *
 * A transport of a module shares the connections of its module. The module closes them.
 */
export class StreamsTransport
  extends Server<StreamsListeners, StreamsStatus>
  implements CustomTransportStrategy
{
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamsTransport';

  /**
   * The engine handles failed runs, so Nest need not log the errors that its filters let through.
   */
  override readonly propagatesEventHandlerErrors = true;
  private readonly runtime: StreamsRuntime;
  private readonly ownsRuntime: boolean;
  private readonly serialization: Serialization;
  private readonly registrations: Registration[] = [];
  private readonly endStatus: () => void;
  private readonly hooks = new NestHooks({
    begin: (context, done) => this.onProcessingStartHook(this.transportId!, context, done),
    end: (context) => this.onProcessingEndHook?.(this.transportId!, context),
    onError: (error) => this.runtime.events.emit('listener-failed', { listener: END_HOOK, error }),
  });
  private started = false;
  private closing = false;
  private closed = false;

  /** @throws InvalidOptionsError naming every problem */
  constructor(options: StreamsTransportOptions);
  /** @internal */
  constructor(options: StreamsTransportOptions | StreamsRuntime);
  constructor(options: StreamsTransportOptions | StreamsRuntime) {
    super();
    watchNest();
    this.ownsRuntime = !(options instanceof StreamsRuntime);
    const [serialization, given] =
      options instanceof StreamsRuntime ? [{}, options] : splitSerialization(options);
    this.serialization = serialization;
    this.runtime = given instanceof StreamsRuntime ? given : this.open(given as StreamsOptions);
    this.transportId = transportIdOf(this.runtime.options.name);
    this.endStatus = ConnectionStatus.of(this.runtime).tell((word) => this._status$.next(word));
    logEvents(this.runtime);
    rememberRuntime(this, this.runtime);
  }

  /**
   * @internal Throws BindingWhileRunningError once the transport listens. Keeps each handler separate. Nest would chain handlers of one pattern, so that one failure
   * repeats them all, and would drop their own groups.
   */
  override addHandler(
    pattern: unknown,
    callback: MessageHandler,
    isEventHandler = false,
    extras: Record<PropertyKey, unknown> = {},
  ): void {
    const route = this.normalizePattern(pattern as string);
    if (this.runs) throw new BindingWhileRunningError(this.runtime.options.name, route);
    callback.isEventHandler = isEventHandler;
    callback.extras = extras;
    rememberFed(extras);
    this.registrations.push({ pattern: route, callback, isEventHandler, extras });
    if (!this.messageHandlers.has(route)) this.messageHandlers.set(route, callback);
  }

  /**
   * Starts to read, once the handlers are known. An error is passed to the callback:
   * InvalidOptionsError, HandlerConflictError, WildcardWithoutStreamError, ConnectionError, and
   * NoHandlerError where the transport has no module and nothing to feed. A second call fails with
   * AlreadyRunningError, and does not touch what runs.
   */
  listen(callback: (error?: unknown) => void): void {
    this.start().then(
      () => callback(),
      (error: unknown) => callback(error),
    );
  }

  /**
   * Stops reading, awaits running handlers for `gracePeriod`, and releases the rest. Idempotent.
   *
   * Called by a handler, it resolves when all other handlers that do not await it have ended.
   * Connections close once the handlers that await it have ended and are settled. `app.close()`
   * behaves in the same way.
   */
  async close(): Promise<void> {
    this.closing = true;
    await (this.ownsRuntime ? this.runtime.close() : this.runtime.drain());
    if (!this.closed) this.endStatus();
    this.closed = true;
  }

  /**
   * Feeds a function, beside the decorated methods, while the application runs. The function gets
   * the payload, and the context that `@Ctx()` gives.
   *
   * A stream that is already read in the group is read by the same reader. Other streams get a
   * reader, and a connection, of their own.
   * @param events event types; `*` matches any run of characters
   * @typeParam T the payload, for the function and for those of `dedupe`, `inbox` and `orderBy`
   * @returns when reading has begun
   * @throws InvalidOptionsError, HandlerConflictError, WildcardWithoutStreamError, ConnectionError,
   * ClosedError
   */
  async subscribe<T = unknown>(
    events: string | readonly string[],
    handler: (payload: T, context: StreamContext<T>) => unknown,
    options: Omit<StreamHandlerOptions<T>, 'name'> = {},
  ): Promise<void> {
    const definition = defineFunction(events, handler, options, this.hooks);
    await this.runtime.subscribe([definition]);
  }

  /**
   * Ends feeding the function of `subscribe`, or the decorated method, with these patterns, as a
   * shutdown would: running handlers are awaited for `gracePeriod`, and messages that have not
   * started are released to other consumers.
   * @throws HandlerNotFoundError, and SharedStreamError where a stream is read for other patterns
   * too
   */
  async unsubscribe(
    patterns: string | readonly string[],
    of: { readonly group?: string } = {},
  ): Promise<void> {
    await this.runtime.consumers.end(this.runtime.consumers.find(patterns, of));
  }

  /**
   * Reads nothing for these patterns until `resume`. Running handlers go on, and this consumer
   * keeps their messages. Messages that have not started are released to other consumers,
   * uncharged. Idempotent.
   * @throws HandlerNotFoundError, and SharedStreamError where a stream is read for other patterns
   * too
   */
  async pause(
    patterns: string | readonly string[],
    of: { readonly group?: string } = {},
  ): Promise<void> {
    await this.runtime.consumers.pause(this.runtime.consumers.find(patterns, of));
  }

  /** Reads again for these patterns. Idempotent. @throws HandlerNotFoundError, SharedStreamError */
  async resume(
    patterns: string | readonly string[],
    of: { readonly group?: string } = {},
  ): Promise<void> {
    await this.runtime.consumers.resume(this.runtime.consumers.find(patterns, of));
  }

  /** Listens to an event of the library, also before `listen`. */
  on<N extends keyof StreamsListeners, L extends StreamsListeners[N] = StreamsListeners[N]>(
    event: N,
    listener: L,
  ): void {
    this.runtime.events.on(event, listener);
  }

  /**
   * Methods that go on after their timeout, or after their stream has ended, oldest first. For
   * metrics and health checks. The event `overrun` reports each.
   */
  get overruns(): readonly OverrunStatus[] {
    return this.runtime.overruns.list();
  }

  /** @internal */
  override setOnProcessingStartHook(...hook: Parameters<Server['setOnProcessingStartHook']>): void {
    super.setOnProcessingStartHook(...hook);
    this.hooks.hooked = true;
  }

  /** @internal */
  override setOnProcessingEndHook(...hook: Parameters<Server['setOnProcessingEndHook']>): void {
    super.setOnProcessingEndHook(...hook);
    this.hooks.hooked = true;
  }

  /** The client library's object: for Redis an ioredis client. */
  unwrap<T>(): T {
    const { driver } = this.runtime;
    return (driver.unwrap?.() ?? driver) as T;
  }

  /** @internal */
  protected open(options: StreamsOptions): StreamsRuntime {
    return new StreamsRuntime(options);
  }

  private async start(): Promise<void> {
    const { name } = this.runtime.options;
    if (this.runs) throw new AlreadyRunningError(`The transport "${name}"`);
    this.started = true;
    try {
      if (this.registrations.length === 0 && !this.closing)
        withoutHandlers(this.runtime, this.ownsRuntime);
      const { runtime, registrations, serialization } = this;
      const { clock, chaining } = runtime;
      const definitions = defineHandlers(registrations, this.hooks, clock, serialization, chaining);
      await runtime.start(definitions);
      for (const line of startUpLines(runtime, definitions)) writeLine(loggerOf(runtime), line);
      ConnectionStatus.of(this.runtime).opened();
    } catch (error) {
      if (this.ownsRuntime) await this.runtime.close();
      this.endStatus();
      throw error;
    }
  }

  private get runs(): boolean {
    return this.started && !this.closing;
  }
}
