import { asError } from '../../core/errors/error-record.js';
import { randomUUID } from 'node:crypto';
import { within, type Clock, type TimerHandle } from '../../core/clock.js';
import { PermissionDeniedError } from '../../core/errors/server.errors.js';
import type { EventBus } from '../../core/event-bus.js';
import { join as group } from '../../core/collections/grouped.js';
import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  LiveConsumer,
  LiveConsumers,
  Membership,
} from '../../ports/live-consumers.js';
import type { ConsumerProcess } from '../../ports/consumer-process.js';
import type { HandlerTable } from '../plan/handler-table.js';
import type { SourceOutages } from './source-outages.js';
import { warningsAbout } from './disagreements.js';

/** Longest wait of a shutdown for marking the consumer as closed, in milliseconds. */
const LAST_WORD = 1000;

/** What all consumers of a runtime need to announce themselves. */
export interface LiveParts {
  readonly port: LiveConsumers;
  readonly process: ConsumerProcess;
  readonly outages: SourceOutages;
  /** Emits each warning once, however many streams it concerns. */
  readonly warnOnce: (code: string, message: string) => void;
}

export interface PresenceOptions {
  readonly live: LiveParts;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly group: string;
  /** The wished name. */
  readonly consumer: string;
  readonly tables: ReadonlyMap<string, HandlerTable>;
  /** Streams of these tables that the consumer has left before. */
  readonly except?: ReadonlySet<string>;
  readonly idleTimeout: number;
  readonly maxDeliveries: number;
  /**
   * Called when another consumer has the name now, or when this one got another name than the one
   * under which it runs.
   */
  readonly onRenamed: () => void;
}

/**
 * A consumer's own announcement: made before its first read, kept fresh, changed, and marked
 * closed.
 */
export class Presence {
  readonly instance = randomUUID();
  private readonly states = new Map<string, Exclude<ConsumerState, 'closed'>>();
  private membership: Membership | undefined;
  private timer: TimerHandle | undefined;
  private over = false;
  /** The error that was told of last, until the announcement is kept fresh again. */
  private toldOf: string | undefined;
  /** Until then the absence of another consumer does not count, by this process's clock. */
  private unsettledUntil = 0;
  /** The name under which the consumer runs. */
  private name: string;

  constructor(private readonly options: PresenceOptions) {
    this.name = options.consumer;
    for (const { stream } of options.tables.values())
      if (!options.except?.has(stream)) this.states.set(stream, 'live');
  }

  /** The name that the consumer got. */
  get consumer(): string {
    return this.name;
  }

  /** Undefined before it has joined. */
  get joined(): Membership | undefined {
    return this.membership;
  }

  /** Announces the consumer. @throws PermissionDeniedError, ConnectionError */
  async join(): Promise<void> {
    await this.announce();
    this.arm();
    void this.lookForDisagreements();
  }

  /** Handlers were added to these tables, or removed. Resolves when other consumers can see it. */
  async changed(streams: ReadonlySet<string>): Promise<void> {
    const byState = new Map<Exclude<ConsumerState, 'closed'>, AnnouncedStream[]>();
    for (const announced of this.announced()) {
      const state = this.states.get(announced.stream);
      if (state && streams.has(announced.stream)) group(byState, state, announced);
    }
    const { membership } = this;
    if (!membership) return;
    const changes = [...byState].map(([state, some]) => membership.change(some, state));
    await Promise.all(changes).catch(this.failed);
  }

  /** Written at once, so that other consumers hand nothing more to it. */
  mark(streams: Iterable<string>, state: Exclude<ConsumerState, 'closed'>): void {
    const marked = new Set([...streams].filter((stream) => this.states.has(stream)));
    for (const stream of marked) this.states.set(stream, state);
    void this.changed(marked);
  }

  /** Marks the consumer closed on these streams. The others go on. */
  async leave(streams: Iterable<string> = this.states.keys()): Promise<void> {
    const left = [...streams].filter((stream) => this.states.delete(stream));
    if (this.states.size === 0) this.end();
    const { membership } = this;
    if (!membership || left.length === 0) return;
    await within(this.options.clock, LAST_WORD, membership.leave(left).catch(this.failed));
  }

  /**
   * For how long the absence of another consumer does not count yet, in milliseconds, by a reading
   * of the registry.
   */
  unsettledFor(own: LiveConsumer | undefined): number {
    const { live, clock, idleTimeout } = this.options;
    if (!own?.alive) return idleTimeout;
    const sinceStart = live.port.settlingTime - own.age;
    const sinceOutage = idleTimeout - live.outages.past;
    return Math.max(0, sinceStart, sinceOutage, this.unsettledUntil - clock.now());
  }

  private async announce(): Promise<void> {
    const { live, group, consumer, idleTimeout } = this.options;
    const announcement: Announcement = {
      group,
      consumer,
      instance: this.instance,
      process: live.process,
      streams: this.announced().filter(({ stream }) => this.states.has(stream)),
      timeToLive: idleTimeout,
    };
    this.membership = await live.port.join(announcement);
    this.name = this.membership.consumer;
    const { namesake } = this.membership;
    if (namesake) live.warnOnce('CONSUMER_NAME_IN_USE', inUse(this.membership.consumer, namesake));
  }

  private announced(): AnnouncedStream[] {
    const { tables, idleTimeout, maxDeliveries } = this.options;
    return [...tables.values()].map((table) => ({
      stream: table.stream,
      events: [...new Set(table.entries.map(({ pattern }) => pattern))],
      options: { idleTimeout, maxDeliveries, ordered: table.ordered },
    }));
  }

  private arm(): void {
    if (this.over) return;
    const { clock, idleTimeout } = this.options;
    const interval = Math.max(1, Math.floor(idleTimeout / 4));
    this.timer = clock.setTimeout(() => void this.refresh().finally(() => this.arm()), interval);
  }

  private async refresh(): Promise<void> {
    const { clock, idleTimeout, onRenamed } = this.options;
    try {
      const outcome = await this.membership!.refresh();
      this.toldOf = undefined;
      if (this.over) return;
      // The announcements of other consumers may have vanished with this one.
      if (outcome === 'announced') this.unsettledUntil = clock.now() + idleTimeout;
      if (outcome !== 'taken') return;
      this.end();
      onRenamed();
    } catch (error) {
      this.failed(error);
    }
  }

  private end(): void {
    this.over = true;
    if (this.timer !== undefined) this.options.clock.clearTimeout(this.timer);
  }

  private async lookForDisagreements(): Promise<void> {
    const { live, group } = this.options;
    const look = async (own: AnnouncedStream): Promise<void> => {
      const { consumers } = await live.port.members(own.stream, group);
      const others = consumers.filter(({ instance }) => instance !== this.instance);
      for (const { code, message } of warningsAbout(live.process, this.name, own, others))
        live.warnOnce(code, message);
    };
    // Called together: a source may read them all at once.
    await Promise.all(this.announced().map(look)).catch(this.failed);
  }

  private readonly failed = (error: unknown): void => {
    const { message } = asError(error);
    if (this.over || message === this.toldOf) return;
    this.toldOf = message;
    const { events } = this.options;
    events.emit('worker-error', { worker: 'registry of consumers', error: asError(error) });
  };
}

/**
 * Announces a consumer, before its first read.
 * @returns undefined where the driver has no registry, or the permission is missing
 * @throws ConnectionError where the server cannot be reached
 */
export async function announce(
  options: Omit<PresenceOptions, 'live'> & { readonly live: LiveParts | undefined },
): Promise<Presence | undefined> {
  const { live } = options;
  if (!live) return undefined;
  const presence = new Presence({ ...options, live });
  try {
    await presence.join();
    return presence;
  } catch (error) {
    if (!(error instanceof PermissionDeniedError)) throw error;
    live.warnOnce('NO_LIVE_CONSUMERS', noPermission(error));
    return undefined;
  }
}

const noPermission = ({ message }: Error): string =>
  'Messages that only another consumer of the group handles are not handed to it, since this process ' +
  `may not announce its consumers: ${message}`;

function inUse(name: string, { consumer, group, stream, process }: LiveConsumer): string {
  return (
    `Consumer "${consumer}" of group "${group}" and stream "${stream}" lives already, in process ` +
    `${process.pid} on ${process.host}: this one runs as "${name}". Give each consumer of a group a ` +
    'name of its own, or leave the option consumer out.'
  );
}
