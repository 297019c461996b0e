import { systemClock, type Clock } from '../../../core/clock.js';
import type { DeadLetter } from '../../../ports/dead-letters.js';
import type { Fields, When } from '../../../core/message.js';
import type { Guard } from '../../../core/guard.js';
import { BalancedService } from './balanced-service.js';
import { ConsumerRegistry } from './consumer-registry.js';
import { ExpiringMap } from './expiring-map.js';
import type { FinishedStep } from '../../../ports/workflow-store.js';
import { MemoryStream } from './memory-stream.js';

/** The state of a workflow. */
export interface KeptWorkflow {
  /** In milliseconds since the epoch. */
  begunAt?: number;
  cancelled?: boolean;
  readonly steps: Map<string, FinishedStep>;
  /** By the step that fanned out. */
  readonly joins: Map<string, KeptJoin>;
}

/** A fan-out with the branches that have arrived. */
export interface KeptJoin {
  readonly results: Map<number, string>;
  /** Token of the arrival that was last. */
  last?: string;
}

/** Entries that keep a reader from being idle. */
export interface Unfinished {
  readonly stream: string;
  readonly group: string;
  /** Number of entries that could be handed out at once. */
  readonly ready: number;
  /** Ids that were handed out and are neither settled nor parked. */
  readonly running: readonly string[];
}

/** A subscription, as the broker knows it. */
export interface BrokerReader {
  /** Answers a waiting pull if there are entries for it. */
  serve(): void;
  unfinished(): Unfinished[];
}

/**
 * The data that connections share, as on a server: streams with their groups and pending lists,
 * dead letters, state. `memory()` makes a broker of its own. Pass one to share it.
 *
 * Entries that every group has settled are forgotten, except for about the last 1,000 of each
 * stream, which a later group still finds. A stream that never had a group keeps everything.
 */
export class MemoryBroker {
  /** @internal */
  readonly state: ExpiringMap<string>;
  /** @internal */
  readonly workflows: ExpiringMap<KeptWorkflow>;
  /** @internal Called with answers, by the key of their box. */
  readonly boxes = new Map<string, (replies: readonly Fields[]) => void>();
  /** @internal Values that guards are compared with: owners and their tokens. */
  readonly marks: ExpiringMap<string>;
  /** @internal The consumers and what they handle. */
  readonly registry: ConsumerRegistry;
  private readonly services = new Map<string, BalancedService>();
  /** @internal Counts changes of any kind. */
  version = 0;
  private readonly streams = new Map<string, MemoryStream>();
  private readonly subscriptions = new Set<BrokerReader>();
  /** In order of arrival, in which Redis serves blocked readers. */
  private readonly waiting = new Set<BrokerReader>();
  private watchers: (() => void)[] = [];
  private readonly delayWatchers = new Set<(key: string) => void>();

  /** @param clock gives ids their time, and entries their age */
  constructor(
    /** The time of all streams. */
    readonly clock: Clock = systemClock,
  ) {
    this.state = new ExpiringMap(clock);
    this.workflows = new ExpiringMap(clock);
    this.marks = new ExpiringMap(clock);
    this.registry = new ConsumerRegistry(clock);
  }

  /** Deletes an entry's data where a pending record of it stays, as XDEL and trimming do on Redis. */
  deleteEntry(key: string, id: string): boolean {
    return this.streams.get(key)?.log.entries.delete(id) ?? false;
  }

  /** @internal Whether all guards hold now. */
  allows(guards: readonly Guard[] = []): boolean {
    return guards.every(({ key, value }) => this.marks.get(key) === value);
  }

  /** @internal */
  append(key: string, fields: Fields): string {
    return this.stream(key).append(fields, this.clock.wallTime());
  }

  /** @internal Keeps an entry until it is due, and tells the schedulers. @returns its id */
  delay(key: string, fields: Fields, when: When): string {
    const id = this.stream(key).delayed.add(fields, this.dueAt(when));
    this.announce(key);
    return id;
  }

  /** @internal By the clock's `now()`. */
  dueAt(when: When): number {
    return this.clock.now() + ('in' in when ? when.in : when.at - this.clock.wallTime());
  }

  /** @internal Tells schedulers that an entry was delayed under this key. */
  announce(key: string): void {
    for (const watcher of this.delayWatchers) watcher(key);
  }

  /** @internal */
  watchDelays(watcher: (key: string) => void): () => void {
    this.delayWatchers.add(watcher);
    return () => void this.delayWatchers.delete(watcher);
  }

  /** @internal Creates the stream where it is missing. */
  stream(key: string): MemoryStream {
    let stream = this.streams.get(key);
    if (!stream) this.streams.set(key, (stream = new MemoryStream(this.clock)));
    return stream;
  }

  /** @internal The consumers that share out the streams of a service. */
  service(key: string): BalancedService {
    let service = this.services.get(key);
    if (!service) this.services.set(key, (service = new BalancedService(this.clock)));
    return service;
  }

  /** @internal */
  existing(key: string): MemoryStream | undefined {
    return this.streams.get(key);
  }

  /** @internal */
  readersOf(key: string): number {
    return this.streams.get(key)?.log.groups.length ?? 0;
  }

  /** @internal Dead letters of all streams whose keys have this prefix. */
  deadLetters(keyPrefix: string): DeadLetter[] {
    return [...this.streams]
      .filter(([key]) => key.startsWith(keyPrefix))
      .flatMap(([, stream]) => [...stream.deadLetters.values()]);
  }

  /** @internal */
  register(subscription: BrokerReader): void {
    this.subscriptions.add(subscription);
  }

  /** @internal */
  unregister(subscription: BrokerReader): void {
    this.subscriptions.delete(subscription);
    this.changed();
  }

  /** @internal A reader found nothing and waits for entries. */
  wait(subscription: BrokerReader): void {
    this.waiting.add(subscription);
  }

  /** @internal */
  endWait(subscription: BrokerReader): void {
    this.waiting.delete(subscription);
  }

  /** @internal Entries have become available: serves the waiting readers. */
  wake(): void {
    for (const subscription of this.waiting) subscription.serve();
    this.changed();
  }

  /** @internal Entries that could run, or run, now. */
  unfinished(): Unfinished[] {
    return [...this.subscriptions].flatMap((subscription) => subscription.unfinished());
  }

  /** @internal */
  changed(): void {
    this.version++;
    for (const watcher of this.watchers.splice(0)) watcher();
  }

  /** @internal Calls back once, at the next change. */
  onceChanged(watcher: () => void): void {
    this.watchers.push(watcher);
  }
}
