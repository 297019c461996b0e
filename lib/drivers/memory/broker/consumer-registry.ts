import type { Clock } from '../../../core/clock.js';
import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  LiveConsumer,
  Receiver,
} from '../../../ports/live-consumers.js';
import { eventMatcher } from '../../../core/routing.js';

/** How long consumers that are gone are remembered, in milliseconds. */
const ONE_DAY = 86_400_000;

/** The announcement of one consumer for one stream. */
export interface RegisteredConsumer {
  readonly announcement: Announcement;
  readonly consumer: string;
  announced: AnnouncedStream;
  state: ConsumerState;
  /** The announcement has stood without a gap since then. */
  since: number;
  /** The consumer counts as dead from then on, or is closed since then. */
  until: number;
}

/** The announced consumers, by key of the stream and group. */
export class ConsumerRegistry {
  private readonly groups = new Map<string, Map<string, RegisteredConsumer>>();

  constructor(private readonly clock: Clock) {}

  find(key: string, group: string, consumer: string): RegisteredConsumer | undefined {
    return this.groups.get(nameOf(key, group))?.get(consumer);
  }

  set(key: string, group: string, entry: RegisteredConsumer): void {
    const name = nameOf(key, group);
    const consumers = this.groups.get(name) ?? new Map<string, RegisteredConsumer>();
    this.groups.set(name, consumers.set(entry.consumer, entry));
  }

  isAlive({ state, until }: RegisteredConsumer): boolean {
    return state !== 'closed' && until > this.clock.now();
  }

  /** Whether entries may be handed to the consumer, and are kept for it. */
  isReading(key: string, group: string, consumer: string): boolean {
    const entry = this.find(key, group, consumer);
    return entry !== undefined && entry.state === 'live' && this.isAlive(entry);
  }

  /** Whether this is the consumer that is meant, and it reads and handles these events. */
  takes(key: string, group: string, { consumer, instance }: Receiver, eventType: string): boolean {
    const entry = this.find(key, group, consumer);
    return (
      entry?.announcement.instance === instance &&
      this.isReading(key, group, consumer) &&
      entry.announced.events.some((pattern) => eventMatcher(pattern)(eventType))
    );
  }

  /** Forgets consumers that have been gone for a day. */
  list(key: string, group: string): LiveConsumer[] {
    const now = this.clock.now();
    const consumers = this.groups.get(nameOf(key, group)) ?? new Map<string, RegisteredConsumer>();
    for (const [name, entry] of consumers)
      if (!this.isAlive(entry) && now - entry.until > ONE_DAY) consumers.delete(name);
    return [...consumers.values()].map((entry) => this.report(entry, now));
  }

  report(entry: RegisteredConsumer, now = this.clock.now()): LiveConsumer {
    const { announcement, consumer, announced, state, since, until } = entry;
    const { group, instance, process } = announcement;
    const alive = this.isAlive(entry);
    const age = Math.min(now, until) - since;
    const goneFor = alive ? undefined : now - until;
    return { ...announced, group, consumer, instance, process, state, alive, age, goneFor };
  }
}

const nameOf = (key: string, group: string): string => JSON.stringify([key, group]);
