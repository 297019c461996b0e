import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import { randomBytes } from 'node:crypto';
import type { Driver } from '../../../ports/driver.js';
import type { Lease } from '../../../core/lease.js';
import type {
  Announcement,
  GroupMembers,
  HandOverOutcome,
  LiveConsumer,
  Membership,
} from '../../../ports/live-consumers.js';
import type { SubscribeOptions } from '../../../ports/subscription.js';
import type { Reader } from '../../world/reader.js';
import { IDLE, NEVER, SourceWorld } from '../../world/source-world.js';

/** A pid that no process has. */
export const FREE_PID = 2 ** 30;

const options = { idleTimeout: IDLE, maxDeliveries: 5, ordered: false };

/** What a test may say of a consumer, where it matters. */
export interface Joining extends Partial<Omit<Announcement, 'streams'>> {
  readonly streams?: readonly string[];
  readonly events?: readonly string[];
  readonly driver?: Driver;
}

/** One test's consumers, which leave after it. */
export class LiveWorld extends SourceWorld {
  private readonly memberships: Membership[] = [];

  /** Announces a consumer on this test's stream, of a process elsewhere unless one is named. */
  async join(consumer: string, joining: Joining = {}): Promise<Member> {
    const { driver = await this.driver(), streams = [this.stream], events = ['*'] } = joining;
    const announcement: Announcement = {
      group: this.group,
      consumer,
      instance: randomBytes(8).toString('hex'),
      process: { host: `host-of-${consumer}`, pid: FREE_PID, application: 'app', version: '1.2.3' },
      timeToLive: NEVER,
      ...joining,
      streams: streams.map((stream) => ({ stream, events, options })),
    };
    const membership = await port(driver, 'live').join(announcement);
    this.memberships.push(membership);
    return new Member(announcement, membership);
  }

  async members(stream = this.stream, group = this.group): Promise<GroupMembers> {
    return port(await this.driver(), 'live').members(stream, group);
  }

  async member(consumer: string, stream = this.stream): Promise<LiveConsumer | undefined> {
    const { consumers } = await this.members(stream);
    return consumers.find((one) => one.consumer === consumer);
  }

  /** Names of all that are announced, in order. */
  async names(stream = this.stream): Promise<string[]> {
    return (await this.members(stream)).consumers.map(({ consumer }) => consumer).sort();
  }

  /** A consumer that holds entries, and is announced. */
  async sender(count = 1, reading: Partial<SubscribeOptions> = {}): Promise<Sender> {
    await this.publish(...Array.from({ length: count }, (_, index) => `${index}`));
    const member = await this.join('A', { events: ['a.*'] });
    const reader = await this.reader('A', reading);
    return new Sender(member, reader, await reader.take(count));
  }

  override async close(): Promise<void> {
    await Promise.all(this.memberships.map((membership) => membership.leave()));
    await super.close();
  }
}

/** An announced consumer. */
export class Member {
  constructor(
    readonly announcement: Announcement,
    readonly membership: Membership,
  ) {}

  get consumer(): string {
    return this.membership.consumer;
  }

  get instance(): string {
    return this.announcement.instance;
  }

  change(state: 'live' | 'paused' | 'closing', events = ['*']): Promise<void> {
    const streams = this.announcement.streams.map((stream) => ({ ...stream, events }));
    return this.membership.change(streams, state);
  }
}

/** One that has something to hand over. */
export class Sender {
  constructor(
    readonly member: Member,
    readonly reader: Reader,
    readonly leases: readonly Lease[],
  ) {}

  /** Hands all of it over, or some, and forgets what was handed over. */
  async handOver(
    to: Pick<Member, 'consumer' | 'instance'>,
    { leases = this.leases, eventType = 'b.made', maxWaiting = 1000 } = {},
  ): Promise<(HandOverOutcome | Error)[]> {
    const { consumer, instance } = to;
    const entries = leases.map((lease) => ({ lease, eventType }));
    const { membership } = this.member;
    const outcomes = await membership.handOver(entries, { consumer, instance }, maxWaiting);
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome === 'handed') this.reader.subscription.forget(leases[index]!);
    }
    return outcomes;
  }

  /** As {@link handOver}, for tests that need it to succeed. */
  async hand(to: Pick<Member, 'consumer' | 'instance'>): Promise<void> {
    expect(await this.handOver(to)).toEqual(this.leases.map(() => 'handed'));
  }
}
