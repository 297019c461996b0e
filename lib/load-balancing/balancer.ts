import type { Clock } from '../core/clock.js';
import { StreamUnsettledError } from '../core/errors/balancing.errors.js';
import { ClosedError } from '../core/errors/start-up.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { HeldStream } from '../core/held-stream.js';
import type { StreamInfo } from './stream-assignment.js';
import type { OwnedSubscribeOptions, OwnedSubscription } from '../ports/owned-subscription.js';
import type { OwnershipParts, StreamOwnership } from '../ports/stream-ownership.js';
import { Announcements } from './announcements.js';
import { BLOCK, HEARTBEAT, LEASE, type BalancerSettings } from './balancer-settings.js';
import { InputLoop } from './input-loop.js';
import { LockKeeper } from './lock-keeper.js';
import type { Notifications, StreamNotification, StreamPayload } from './notifications.js';
import type { OwnedStream } from './owned-stream.js';
import { StreamAcquisition } from './stream-acquisition.js';
import { StreamCompletion } from './stream-completion.js';
import { about, StreamOwner, type StreamHolder } from './stream-owner.js';
import { Recovery } from './recovery.js';
import { NotificationHub } from './notification-hub.js';

export interface BalancerOptions extends BalancerSettings {
  readonly clock: Clock;
  readonly events: EventBus;
  readonly ownership: StreamOwnership;
}

type State = 'new' | 'running' | 'ended';

/** One consumer of a service. The streams of a service are shared out between all its consumers. */
export class Balancer {
  private readonly parts: OwnershipParts;
  private readonly announcements: Announcements;
  private readonly notificationHub: NotificationHub;
  private readonly streamOwner: StreamOwner;
  private readonly acquisition: StreamAcquisition;
  private readonly completion: StreamCompletion;
  private readonly inputLoop: InputLoop;
  private readonly keeper: LockKeeper;
  private readonly recovery: Recovery;
  private state: State = 'new';
  private starting: Promise<void> | undefined;
  private ending: Promise<void> | undefined;

  constructor(private readonly options: BalancerOptions) {
    const { clock, events, ownership, service, consumer, hints } = options;
    this.parts = ownership.join({
      service,
      consumer,
      lease: LEASE,
      blockTimeout: BLOCK,
      hints,
      onHint: (place) => this.recovery.hint(place),
      onReconnected: () => this.recovery.reconnected(),
    });
    const { inputs, locks, members } = this.parts;
    const { fails } = this;
    this.announcements = new Announcements({ events, service, inputs });
    this.notificationHub = new NotificationHub(options);
    this.streamOwner = new StreamOwner({
      clock,
      locks,
      isRunning: () => this.state === 'running',
      hasCapacity: () => this.capacity > 0,
      notify: (notification) => this.notificationHub.tell(notification),
      onCapacity: () => this.inputLoop.capacityFreed(),
    });
    const { announcements, streamOwner } = this;
    this.acquisition = new StreamAcquisition({ announcements, streamOwner, onFailure: fails });
    this.completion = new StreamCompletion({ streamOwner, clock, events });
    const { owned } = streamOwner;
    this.inputLoop = new InputLoop({
      ...options,
      inputs,
      capacity: () => this.capacity,
      accept: (read) => this.acquisition.accept(read),
      onFailure: fails,
      onGivenUp: (error) => void this.terminate(error),
    });
    this.keeper = new LockKeeper({
      clock,
      events,
      locks,
      owned,
      interval: HEARTBEAT,
      onLost: (lost) => streamOwner.lose(lost),
    });
    this.recovery = new Recovery({
      ...options,
      inputs,
      locks,
      members,
      owned,
      capacity: () => this.capacity,
      claims: () => streamOwner.isWorkedOn,
      take: (assignment, ours) => streamOwner.take(assignment, ours),
      tellExpired: (assignment) =>
        this.notificationHub.tell({ type: 'StreamExpired', ...about(assignment) }),
      handOver: (leaving, aim) => streamOwner.handOver(leaving, aim),
      accept: (id, token) => this.acquisition.acceptHanded(id, token).catch(fails),
      discard: (input, reason) => this.announcements.discard(input, reason),
      onFailure: fails,
    });
  }

  get id(): string {
    return this.options.consumer;
  }

  get service(): string {
    return this.options.service;
  }

  streams(): readonly OwnedStream[] {
    return [...this.streamOwner.owned];
  }

  /** See {@link LockKeeper.fresh}. */
  fresh(): Promise<boolean> | undefined {
    return this.keeper.fresh();
  }

  /** Reads the messages of owned streams, once the caller adds the streams to the subscription. */
  subscribe(options: OwnedSubscribeOptions): OwnedSubscription {
    return this.parts.subscribe(options);
  }

  /**
   * From now on this consumer takes streams that lose their owner, and the holder works on them.
   */
  workWith(holder: StreamHolder): void {
    this.streamOwner.workWith(holder);
  }

  /** @returns a function that stops listening */
  listen(listener: (notification: StreamNotification) => void): () => void {
    return this.notificationHub.listen(listener);
  }

  /** Joins the service. Idempotent. @throws where it cannot join; it may be called again then */
  start(): Promise<void> {
    if (this.state === 'ended') return Promise.reject(new ClosedError('The load balancer'));
    this.starting ??= this.join().catch((error: unknown) => {
      this.starting = undefined;
      throw error;
    });
    return this.starting;
  }

  /** @returns id in the load balancer stream. @throws InvalidOptionsError */
  add(stream: string, info: StreamInfo = {}): Promise<string> {
    return this.announcements.add(stream, info);
  }

  /** See {@link StreamAcquisition.claim}. */
  async claim(payload: StreamPayload): Promise<OwnedStream> {
    await this.start();
    return this.acquisition.claim(payload);
  }

  /** See {@link StreamCompletion.complete}. */
  complete(stream: string): Promise<void> {
    return this.completion.complete(stream);
  }

  /** See {@link StreamCompletion.finished}. */
  finished(held: HeldStream, completed: boolean): Promise<void> {
    return this.completion.finished(held, completed);
  }

  /**
   * Joins the service and returns its notifications from now on. Where it cannot join, the last
   * notification says why, and `init` may be called again.
   */
  init(): Notifications {
    const log = this.notificationHub.record();
    this.start().catch((error: unknown) => this.notificationHub.fail(log, error as Error));
    return log;
  }

  /**
   * Ends the consumer: completes all streams (`complete`), or gives them back unfinished.
   * Idempotent.
   */
  end(complete: boolean, reason: string): Promise<void> {
    this.ending ??= this.leave(complete, reason);
    return this.ending;
  }

  private async join(): Promise<void> {
    await this.parts.open();
    await this.recovery.meet();
    // Everything that may fail has succeeded, so a failed try leaves nothing behind.
    this.state = 'running';
    void this.keeper.start();
    void this.recovery.start();
    this.inputLoop.start();
  }

  private readonly fails = (error: Error): void => {
    const { events, service } = this.options;
    events.emit('worker-error', { worker: 'load balancer', service, error });
  };

  private get capacity(): number {
    if (this.state !== 'running' || this.notificationHub.isUnheard) return 0;
    return this.options.maxStreams - this.streamOwner.owned.size;
  }

  /** A stream that cannot be completed is given back. */
  private async letGo(owned: OwnedStream, complete: boolean): Promise<void> {
    if (complete) {
      try {
        return void (await this.streamOwner.complete(owned));
      } catch (error) {
        if (!(error instanceof StreamUnsettledError)) throw error;
      }
    }
    await this.streamOwner.release(owned);
  }

  private terminate(error: Error): Promise<void> {
    this.fails(error);
    const reason = `reading failed too often: ${error.message}`;
    this.ending ??= this.leave(false, reason, error);
    return this.ending.catch(() => undefined);
  }

  private async leave(complete: boolean, reason: string, error?: Error): Promise<void> {
    await this.starting?.catch(() => undefined);
    const started = this.state === 'running';
    this.state = 'ended';
    const reading = this.inputLoop.stop();
    await Promise.all([this.recovery.stop(), this.parts.close(), reading]);
    const results = await Promise.allSettled(
      [...this.streamOwner.owned].map((owned) => this.letGo(owned, complete)),
    );
    await this.keeper.stop();
    if (started) await this.parts.members.leave().catch(() => undefined);
    // The locks of streams that could not be let go expire by themselves.
    for (const owned of [...this.streamOwner.owned]) this.streamOwner.lose(owned);
    this.notificationHub.end(reason, error);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
