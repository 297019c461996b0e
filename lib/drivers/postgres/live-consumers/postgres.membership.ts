import { ServerOutOfMemoryError } from '../../../core/errors/server.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import { noteHere } from '../../../ports/instances-here.js';
import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  HandOverOutcome,
  LiveConsumer,
  Membership,
  Receiver,
} from '../../../ports/live-consumers.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Streams } from '../streams/streams.js';
import { handOverAll, type HandableEntry } from './handing-over.js';
import type { Registry, Said } from './registry.js';

export interface MembershipContext {
  readonly database: Database;
  readonly hints: Hints;
  readonly streams: Streams;
  readonly events: EventBus;
}

export interface PostgresMembershipOptions extends MembershipContext {
  readonly registry: Registry;
  readonly announcement: Announcement;
  readonly consumer: string;
  readonly namesake: LiveConsumer | undefined;
}

/** The announcements of one consumer of this process. */
export class PostgresMembership implements Membership {
  /** What is announced, by stream. */
  private readonly said: Map<string, Said>;
  private readonly diedHere: () => void;
  /** Steps are carried out one after the other: connections of a pool keep no order. */
  private last: Promise<unknown> = Promise.resolve();
  /** Streams on which the registry should know the consumer. */
  private readonly written: Set<string>;
  /** Streams whose last change may not have reached the server. */
  private readonly unsaid = new Set<string>();

  constructor(
    private readonly options: PostgresMembershipOptions,
    said: readonly Said[],
  ) {
    this.said = new Map(said.map((one) => [one.announced.stream, one]));
    this.written = new Set(this.said.keys());
    this.diedHere = noteHere(options.announcement.instance);
  }

  get consumer(): string {
    return this.options.consumer;
  }

  get namesake(): LiveConsumer | undefined {
    return this.options.namesake;
  }

  async refresh(): Promise<'kept' | 'announced' | 'taken' | 'refused'> {
    try {
      return await this.next(() => this.refreshNow());
    } catch (error) {
      if (error instanceof ServerOutOfMemoryError) return 'refused';
      throw error;
    }
  }

  async change(
    streams: readonly AnnouncedStream[],
    state: Exclude<ConsumerState, 'closed'>,
  ): Promise<void> {
    for (const announced of streams) this.said.set(announced.stream, { announced, state });
    await this.next(() => this.say(streams.map(({ stream }) => stream)));
  }

  handOver(
    entries: readonly HandableEntry[],
    to: Receiver,
    maxWaiting: number,
  ): Promise<(HandOverOutcome | Error)[]> {
    return handOverAll(entries, to, maxWaiting, this.options);
  }

  async leave(streams: readonly string[] = [...this.said.keys()]): Promise<void> {
    const left = streams.filter((stream) => this.said.delete(stream));
    for (const stream of left) this.written.delete(stream);
    if (this.said.size === 0) this.diedHere();
    if (left.length > 0) await this.next(() => this.options.registry.close(left));
  }

  private async refreshNow(): Promise<'kept' | 'announced' | 'taken'> {
    if (this.said.size === 0) return 'kept';
    const { registry } = this.options;
    const unsaid = [...this.unsaid];
    this.unsaid.clear();
    if (unsaid.length > 0) await this.say(unsaid);
    const found = await registry.refresh();
    if (found?.taken) return this.giveUp();
    if (found && found.streams >= this.written.size) return found.alive ? 'kept' : 'announced';
    return (await this.announceAnew()) ? 'announced' : this.giveUp();
  }

  /** Announces what is to be said of these streams now. Those left meanwhile are not announced. */
  private async say(streams: readonly string[]): Promise<void> {
    const said = streams.flatMap((stream) => this.said.get(stream) ?? []);
    if (said.length === 0) return;
    const { registry, consumer } = this.options;
    try {
      const word = await registry.change(consumer, said);
      if (word === 'missing') await this.announceAnew();
      else for (const { announced } of said) this.written.add(announced.stream);
    } catch (error) {
      for (const { announced } of said) this.unsaid.add(announced.stream);
      throw error;
    }
  }

  /** @returns false where another consumer has the name now */
  private async announceAnew(): Promise<boolean> {
    const { registry, consumer } = this.options;
    const said = [...this.said.values()];
    const rivals = await registry.announce(consumer, said, []);
    for (const { announced } of said) this.written.add(announced.stream);
    return rivals.length === 0;
  }

  /**
   * Another consumer has the name on some stream: no entries may be handed to this one on any
   * other.
   */
  private async giveUp(): Promise<'taken'> {
    const left = [...this.said.keys()];
    this.said.clear();
    this.diedHere();
    await this.options.registry.close(left).catch(() => undefined);
    return 'taken';
  }

  private next<T>(step: () => Promise<T>): Promise<T> {
    const result = this.last.then(step);
    this.last = result.catch(() => undefined);
    return result;
  }
}
