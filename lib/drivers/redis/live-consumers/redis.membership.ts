import { ServerOutOfMemoryError } from '../../../core/errors/server.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  HandOverOutcome,
  LiveConsumer,
  Membership,
  Receiver,
} from '../../../ports/live-consumers.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import type { Announcements, Said } from './announcements.js';
import type { HandedHints } from './handed-hints.js';
import { handOverAll, type HandableEntry } from './handing-over.js';
import { noteHere } from '../../../ports/instances-here.js';

export interface MembershipContext {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly handed: HandedHints;
}

export interface RedisMembershipOptions extends MembershipContext {
  readonly announcements: Announcements;
  readonly announcement: Announcement;
  readonly consumer: string;
  readonly namesake: LiveConsumer | undefined;
}

/** The fields of one consumer of this process. */
export class RedisMembership implements Membership {
  /** The announced content by stream. */
  private readonly said: Map<string, Said>;
  private readonly diedHere: () => void;
  private readonly unheard: () => Promise<void>;
  private ended = false;
  /** Streams whose last change may not have reached the server. */
  private readonly unsaid = new Set<string>();

  constructor(
    private readonly options: RedisMembershipOptions,
    said: readonly Said[],
  ) {
    const { announcement, handed, consumer } = options;
    this.said = new Map(said.map((one) => [one.announced.stream, one]));
    this.diedHere = noteHere(announcement.instance);
    this.unheard = handed.listen(announcement.group, consumer);
  }

  get consumer(): string {
    return this.options.consumer;
  }

  get namesake(): LiveConsumer | undefined {
    return this.options.namesake;
  }

  async refresh(): Promise<'kept' | 'announced' | 'taken' | 'refused'> {
    const { announcements, consumer } = this.options;
    try {
      await this.sayAgain();
      const words = await announcements.refresh(consumer, [...this.said.values()]);
      const missing = words.filter(([, word]) => word === 'missing').map(([said]) => said);
      const taken = words.some(([, word]) => word === 'taken');
      if (taken || !(await this.announceAnew(missing))) return await this.giveUp();
      return words.every(([, word]) => word === 'kept') ? 'kept' : 'announced';
    } catch (error) {
      if (error instanceof ServerOutOfMemoryError) return 'refused';
      throw error;
    }
  }

  async change(
    streams: readonly AnnouncedStream[],
    state: Exclude<ConsumerState, 'closed'>,
  ): Promise<void> {
    const said = streams.map((announced): Said => ({ announced, state }));
    for (const one of said) this.said.set(one.announced.stream, one);
    await this.say(said);
  }

  handOver(
    entries: readonly HandableEntry[],
    to: Receiver,
    maxWaiting: number,
  ): Promise<(HandOverOutcome | Error)[]> {
    return handOverAll(entries, to, maxWaiting, this.options);
  }

  async leave(streams: readonly string[] = [...this.said.keys()]): Promise<void> {
    const { announcements, consumer } = this.options;
    const said = streams.flatMap((stream) => this.said.get(stream) ?? []);
    // These fields are refreshed no more.
    for (const { announced } of said) this.said.delete(announced.stream);
    const closing = announcements.close(consumer, said);
    await Promise.all([closing, this.said.size === 0 && this.end()]);
  }

  private async say(said: readonly Said[]): Promise<void> {
    const { announcements, consumer } = this.options;
    try {
      const words = await announcements.change(consumer, said);
      await this.announceAnew(words.filter(([, word]) => word === 'missing').map(([one]) => one));
    } catch (error) {
      for (const { announced } of said) this.unsaid.add(announced.stream);
      throw error;
    }
  }

  /**
   * Otherwise a consumer that reads again would count as paused, and be handed no entries, for
   * ever.
   */
  private async sayAgain(): Promise<void> {
    const said = [...this.unsaid].flatMap((stream) => this.said.get(stream) ?? []);
    this.unsaid.clear();
    if (said.length > 0) await this.say(said);
  }

  /**
   * Another consumer has the name on some stream: no entries may be handed to this one on any
   * other.
   */
  private async giveUp(): Promise<'taken'> {
    await this.leave().catch(() => undefined);
    return 'taken';
  }

  private async end(): Promise<void> {
    if (this.ended) return;
    this.ended = true;
    this.diedHere();
    await this.unheard();
  }

  /** @returns false where another consumer has the name now */
  private async announceAnew(said: readonly Said[]): Promise<boolean> {
    const { announcements, consumer } = this.options;
    // Changes made meanwhile are announced as they are now. Streams left meanwhile are not
    // announced.
    const now = said.flatMap((one) => this.said.get(one.announced.stream) ?? []);
    if (now.length === 0) return true;
    return (await announcements.take(consumer, now, [])).length === 0;
  }
}
