import type { Lease } from '../../core/lease.js';
import type {
  AnnouncedStream,
  Announcement,
  ConsumerState,
  GroupMembers,
  HandOverOutcome,
  LiveConsumer,
  LiveConsumers,
  Membership,
  Receiver,
} from '../../ports/live-consumers.js';
import { isProcessGone } from '../../ports/consumer-process.js';
import type { RegisteredConsumer } from './broker/consumer-registry.js';
import { asFeedLease } from './reading/feed.js';
import type { MemoryBroker } from './broker/memory.broker.js';

/** The consumers of a broker. All of them live in this process, and are seen at once. */
export class MemoryLiveConsumers implements LiveConsumers {
  readonly settlingTime = 0;

  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async join(announcement: Announcement): Promise<Membership> {
    const { registry } = this.broker;
    const { group, consumer: wished, streams } = announcement;
    const rival = (name: string): RegisteredConsumer | undefined =>
      streams
        .map(({ stream }) => registry.find(this.key(stream), group, name))
        .find((entry) => entry && registry.isAlive(entry) && !isGone(entry));
    const namesake = rival(wished);
    let name = wished;
    for (let next = 2; rival(name); next++) name = `${wished}~${next}`;
    const report = namesake && registry.report(namesake);
    return new MemoryMembership(this.broker, this.keyPrefix, announcement, name, report);
  }

  async members(stream: string, group: string): Promise<GroupMembers> {
    return { consumers: this.broker.registry.list(this.key(stream), group), unannounced: [] };
  }

  private key(stream: string): string {
    return this.keyPrefix + stream;
  }
}

class MemoryMembership implements Membership {
  /** By stream. */
  private readonly announced: Map<string, AnnouncedStream>;
  private readonly states = new Map<string, ConsumerState>();

  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
    private readonly announcement: Announcement,
    readonly consumer: string,
    readonly namesake: LiveConsumer | undefined,
  ) {
    this.announced = new Map(announcement.streams.map((one) => [one.stream, one]));
    for (const stream of this.announced.keys()) this.write(stream);
  }

  async refresh(): Promise<'kept' | 'announced' | 'taken'> {
    const { registry, clock } = this.broker;
    const streams = [...this.announced.keys()];
    if (streams.some((stream) => this.isTaken(stream))) return 'taken';
    let outcome: 'kept' | 'announced' = 'kept';
    for (const stream of streams) {
      const own = this.find(stream);
      if (own && registry.isAlive(own)) own.until = clock.now() + this.announcement.timeToLive;
      else {
        this.write(stream);
        outcome = 'announced';
      }
    }
    return outcome;
  }

  async change(
    streams: readonly AnnouncedStream[],
    state: Exclude<ConsumerState, 'closed'>,
  ): Promise<void> {
    const { registry } = this.broker;
    for (const announced of streams) {
      const { stream } = announced;
      this.announced.set(stream, announced);
      this.states.set(stream, state);
      if (this.isTaken(stream)) continue;
      const own = this.find(stream);
      if (own && registry.isAlive(own)) Object.assign(own, { announced, state });
      else this.write(stream);
    }
    this.broker.wake();
  }

  async handOver(
    entries: readonly { readonly lease: Lease; readonly eventType: string }[],
    to: Receiver,
    maxWaiting: number,
  ): Promise<(HandOverOutcome | Error)[]> {
    const outcomes = entries.map(({ lease, eventType }): HandOverOutcome | Error => {
      const own = asFeedLease(lease);
      if (!own) return new TypeError('This lease was not made by the memory driver.');
      const { group } = this.announcement;
      const takes = this.broker.registry.takes(this.key(own.stream), group, to, eventType);
      return takes ? own.feed.handOver(own, to.consumer, maxWaiting) : own.feed.refusal(own);
    });
    this.broker.wake();
    return outcomes;
  }

  async leave(streams: readonly string[] = [...this.announced.keys()]): Promise<void> {
    for (const stream of streams) {
      const own = this.find(stream);
      const announced = this.announced.delete(stream);
      if (!announced || !own || this.isTakenBy(own)) continue;
      own.until = Math.min(own.until, this.broker.clock.now());
      own.state = 'closed';
    }
    this.broker.wake();
  }

  private write(stream: string): void {
    const { clock, registry } = this.broker;
    const now = clock.now();
    registry.set(this.key(stream), this.announcement.group, {
      announcement: this.announcement,
      consumer: this.consumer,
      announced: this.announced.get(stream)!,
      state: this.states.get(stream) ?? 'live',
      since: now,
      until: now + this.announcement.timeToLive,
    });
  }

  private isTaken(stream: string): boolean {
    const found = this.find(stream);
    return found !== undefined && this.isTakenBy(found);
  }

  private isTakenBy({ announcement }: RegisteredConsumer): boolean {
    return announcement.instance !== this.announcement.instance;
  }

  private find(stream: string): RegisteredConsumer | undefined {
    return this.broker.registry.find(this.key(stream), this.announcement.group, this.consumer);
  }

  private key(stream: string): string {
    return this.keyPrefix + stream;
  }
}

/**
 * Consumers with the pid of this process that have announced themselves here live in this process.
 */
const isGone = ({ announcement }: RegisteredConsumer): boolean =>
  isProcessGone(announcement.process, true);
