import { endFor } from '../../consuming/running/close-within-run.js';
import type { Reading } from '../../consuming/subscription-registry.js';
import type { OverrunStatus } from '../../core/overrun.js';
import { slotsFor } from '../../consuming/plan/slots.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import { ClosedError, InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { EventTypeOf, MessageOf } from '../../core/event-map.js';
import type { StreamsEvents } from '../../core/events.js';
import type { Message } from '../../core/message.js';
import { AlreadyRunningError } from '../../core/errors/running.errors.js';
import type { ResolvedConsumerOptions } from '../../options/stream-consumer-options.js';
import type { StreamsRuntime } from '../streams-runtime.js';
import { callbackDefinition } from './callback-definition.js';
import type { EventCallback, EventDelivery } from './event-callback.js';
import { namedMessage, problemsOf } from './consumer-arguments.js';
import { ConsumerEnd } from './consumer-end.js';
import { listOwn, needPending, type PendingMessage } from './pending-messages.js';

/**
 * Calls a callback with the messages of streams, for one group. Made by
 * {@link StreamConsumers.create}.
 *
 * @typeParam Events map from event types to payloads, which gives callbacks their types
 */
export class StreamConsumer<Events extends object = Record<string, unknown>> {
  private subscribed: Promise<Reading[]> | undefined;
  private reading: Reading | undefined;
  private failure: Error | undefined;
  private closing: Promise<void> | undefined;
  /** The end of the present reading, or of the next one. */
  private end$ = new ConsumerEnd();

  /** @internal */
  constructor(
    private readonly runtime: StreamsRuntime,
    private readonly options: ResolvedConsumerOptions,
  ) {}

  /** The streams that it reads. */
  get streams(): readonly string[] {
    return this.options.streams;
  }

  /** Consumer group. */
  get group(): string {
    return this.options.settings.group;
  }

  /**
   * Name of the consumer in its group: the option `consumer`. Where another live consumer of the
   * group has that name, it gets `~2`, `~3`, … behind it when reading begins.
   */
  get consumer(): string {
    return this.reading?.consumer.name ?? this.options.settings.consumer;
  }

  /**
   * Calls the callback with each message, as many at a time as `concurrency` allows, until the
   * consumer is closed.
   *
   * What becomes of the message:
   * - the callback returns true: it is acknowledged.
   * - false: it stays pending. This consumer does not get it again while it lives; see
   *   `acknowledge`. Where the message source cannot leave messages pending, it becomes a dead letter.
   * - the callback throws: the run has failed. The message runs again after the backoff, and
   *   becomes a dead letter after `maxDeliveries` runs.
   * - any other value: a mistake that no later run can mend, so it becomes a dead letter.
   *
   * @param eventTypes event types for the callback; `*` matches any run of characters. Other
   * messages go to consumers of the group that take them. Where none does, they are acknowledged
   * and counted as filtered, unless the option `unmatched` says otherwise.
   * @default all
   * @typeParam M the messages of `eventTypes`, by the event map of `create`. A callback may name the
   * type itself: `({ payload }: Message<Order>) => …`
   * @returns when reading has begun. A later failure rejects {@link closed}
   * @throws GroupNotFoundError, StreamNotFoundError where they are missing and must not be created:
   * with `createGroup: false`, and where the group was deleted by `deleteGroup`. It may be started
   * again then
   * @throws ConnectionError, HandlerConflictError, AlreadyRunningError, ClosedError
   */
  async start<M extends MessageOf<Events, E>, E extends EventTypeOf<Events> = EventTypeOf<Events>>(
    callback: (message: M, delivery: EventDelivery) => boolean | Promise<boolean>,
    eventTypes?: readonly E[],
  ): Promise<void> {
    const problems = problemsOf(callback, eventTypes);
    if (problems.length > 0) throw new InvalidOptionsError(problems);
    if (this.closing) throw new ClosedError('The consumer');
    if (this.subscribed) {
      const streams = this.streams.join(', ');
      throw new AlreadyRunningError(`The consumer of ${streams} in group "${this.group}"`);
    }
    const forget = this.watchGroups();
    const events = eventTypes ?? ['*'];
    try {
      this.subscribed = this.read(callback as EventCallback, events);
      const readings = await this.subscribed;
      this.reading = readings[0];
      // The failure came before there was anything to end.
      if (this.failure) await this.end();
      if (this.failure) throw this.failure;
      const { streams, group, consumer } = this;
      this.runtime.events.emit('consumer-started', { streams, group, consumer, events });
      void this.follow(readings, forget);
    } catch (error) {
      this.subscribed = undefined;
      forget();
      throw error;
    }
  }

  /**
   * As {@link start}, and resolves when the consumer is closed, by `close` or with the module.
   * @throws as `start`, and later failures
   */
  async subscribe<
    M extends MessageOf<Events, E>,
    E extends EventTypeOf<Events> = EventTypeOf<Events>,
  >(
    callback: (message: M, delivery: EventDelivery) => boolean | Promise<boolean>,
    eventTypes?: readonly E[],
  ): Promise<void> {
    await this.start(callback, eventTypes);
    await this.closed;
  }

  /**
   * Resolves when the consumer is closed, by `close` or with the module. Rejects with
   * GroupNotFoundError or StreamNotFoundError where these vanish while it reads, and must not be
   * created again. It may be started again then. The application may ignore the rejection: the
   * event `consumer-failed` reports the same.
   */
  get closed(): Promise<void> {
    return this.end$.promise;
  }

  /**
   * Acknowledges a message that was kept pending, runs, or waits to run, no matter which consumer
   * of the group has it. A run that has not started does not start any more.
   * @param message its id; where there are several streams the message, or its id and stream
   * @returns how many were acknowledged: 1, or 0 where it was not pending
   * @throws InvalidOptionsError for an invalid id
   * @throws ConnectionError, and UnsupportedFeatureError where the driver has no port pending
   */
  async acknowledge(message: string | Pick<Message, 'id' | 'stream'>): Promise<number> {
    const { id, stream } = namedMessage(this.runtime.driver.ids, this.streams, message);
    const pending = needPending(this.runtime, 'acknowledge');
    const forget = (): void =>
      this.runtime.consumers.acknowledged(this.options.settings.consumer, this.group, stream, id);
    forget();
    const acknowledged = await pending.acknowledge(stream, this.group, [id]);
    // The message may have been on its way to this consumer.
    forget();
    return acknowledged;
  }

  /**
   * All messages that are pending to this consumer: kept, running, or waiting for a run or a retry.
   * @throws ConnectionError, and UnsupportedFeatureError where the driver has no port pending
   */
  async getPending(): Promise<PendingMessage[]> {
    const { group, consumer } = this;
    const pending = needPending(this.runtime, 'getPending');
    const lists = this.streams.map((stream) => listOwn(pending, { stream, group, consumer }));
    return (await Promise.all(lists)).flat();
  }

  /** Callbacks that go on after their timeout, oldest first. */
  get overruns(): readonly OverrunStatus[] {
    return this.runtime.overruns.list(this);
  }

  /**
   * Reads nothing until `resume`. Running callbacks go on. Messages that have not started are
   * released to other consumers.
   */
  async pause(): Promise<void> {
    await this.runtime.consumers.pause((await this.subscribed) ?? []);
  }

  /** Reads again, after `pause`. */
  async resume(): Promise<void> {
    await this.runtime.consumers.resume((await this.subscribed) ?? []);
  }

  /**
   * Stops reading, awaits running callbacks for `gracePeriod`, releases the rest, and closes its
   * connection. Messages that were kept pending stay pending. {@link closed} then resolves.
   * Idempotent.
   *
   * Called by a callback, it resolves when all other callbacks that do not await it have ended. The
   * connection closes once the callbacks that await it have ended and are settled.
   */
  close(): Promise<void> {
    this.closing ??= this.end().then(() => this.end$.resolve());
    return endFor(this.runtime.clock, this.closing, async () => {
      const readings = await this.subscribed?.catch(() => []);
      return this.runtime.consumers.othersEnded(readings ?? []);
    });
  }

  private read(callback: EventCallback, events: readonly string[]): Promise<Reading[]> {
    const { createGroup, concurrency, settings } = this.options;
    const { capabilities } = this.runtime.driver.source;
    const definition = callbackDefinition(callback, events, this.options, capabilities);
    return this.runtime.subscribe([definition], {
      ...settings,
      createGroup,
      ...(concurrency !== undefined && { slots: slotsFor(concurrency, settings.maxOverrun) }),
      alone: true,
    });
  }

  /** Waits until all reading has ended. */
  private async follow(readings: readonly Reading[], forget: () => void): Promise<void> {
    const { end$ } = this;
    await Promise.all(readings.map(({ done }) => done));
    forget();
    const { failure: error, streams, group, consumer } = this;
    if (!error) return end$.resolve();
    this.subscribed = undefined;
    this.end$ = new ConsumerEnd();
    this.runtime.events.emit('consumer-failed', { streams, group, consumer, error });
    end$.reject(error);
  }

  /**
   * A group that must not be created again (deleted on purpose, or with `createGroup: false`) ends
   * the consumer.
   */
  private watchGroups(): () => void {
    this.failure = undefined;
    return this.runtime.events.on('stream-unreadable', (event) => this.unreadable(event));
  }

  private unreadable({ stream, group, error }: StreamsEvents['stream-unreadable']): void {
    if (group !== this.group || !this.streams.includes(stream)) return;
    if (!(error instanceof GroupNotFoundError || error instanceof StreamNotFoundError)) return;
    const deleted = error instanceof GroupNotFoundError && error.why === 'deleted';
    // The event is about another consumer of the group, which must not create the group. This one
    // may.
    if (this.options.createGroup && !deleted) return;
    this.failure ??= error;
    void this.end();
  }

  private async end(): Promise<void> {
    const readings = await this.subscribed?.catch(() => []);
    await this.runtime.consumers.endAll(readings ?? []);
  }
}
