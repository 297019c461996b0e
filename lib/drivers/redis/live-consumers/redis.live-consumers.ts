import type {
  Announcement,
  GroupMembers,
  LiveConsumer,
  LiveConsumers,
  Membership,
} from '../../../ports/live-consumers.js';
import type { Connector } from '../connection/connector.js';
import { Announcements, type Said } from './announcements.js';
import { parseField } from './consumer-field.js';
import { ConsumerReads } from './consumer-reads.js';
import { isGone } from '../../../ports/instances-here.js';
import { RedisMembership, type MembershipContext } from './redis.membership.js';

/**
 * Minimum of the time, in milliseconds, within which a consumer must have used the group to count
 * as alive.
 */
const SIGN_OF_LIFE = 10_000;

export interface RedisLiveConsumersOptions extends MembershipContext {
  readonly connector: Connector;
}

/** Stores the registry as one hash for each stream and group, with a field for each consumer. */
export class RedisLiveConsumers implements LiveConsumers {
  /** A live consumer that has lost its field is still known to the group: see `unannounced`. */
  readonly settlingTime = 1000;

  private readonly reads: ConsumerReads;

  constructor(private readonly options: RedisLiveConsumersOptions) {
    this.reads = new ConsumerReads(options.commands);
  }

  async join(announcement: Announcement): Promise<Membership> {
    const { commands, keys, connector } = this.options;
    // As with a subscription: at the start this waits for a connection for `connectTimeout`.
    await commands.ready('announcing a consumer', connector.connectTimeout);
    const announcements = new Announcements(commands, keys, announcement);
    const said = announcement.streams.map((announced): Said => ({ announced, state: 'live' }));
    let namesake: LiveConsumer | undefined;
    for (let n = 1; ; n++) {
      const consumer = n === 1 ? announcement.consumer : `${announcement.consumer}~${n}`;
      const other = await this.take(announcements, announcement, consumer, said);
      namesake ??= other;
      if (other) continue;
      const membership = { ...this.options, announcements, announcement, consumer, namesake };
      return new RedisMembership(membership, said);
    }
  }

  async members(stream: string, group: string): Promise<GroupMembers> {
    const { keys } = this.options;
    const { now, announced, idle } = await this.reads.read({
      stream: keys.stream(stream),
      consumers: keys.consumers(stream, group),
      group,
    });
    const consumers: LiveConsumer[] = [];
    let recent = SIGN_OF_LIFE;
    for (const [consumer, value] of announced) {
      const found = parseField(value, { stream, group, consumer }, now);
      if (!found) continue;
      consumers.push(found);
      recent = Math.max(recent, found.options.idleTimeout);
    }
    const known = new Set(consumers.map(({ consumer }) => consumer));
    const unannounced = [...idle]
      .filter(([name, ms]) => !known.has(name) && ms < recent)
      .map(([name]) => name);
    return { consumers, unannounced };
  }

  /**
   * @returns the live consumer that has the name; undefined: the name belongs to this consumer now
   */
  private async take(
    announcements: Announcements,
    { group }: Announcement,
    consumer: string,
    said: readonly Said[],
  ): Promise<LiveConsumer | undefined> {
    const gone: string[] = [];
    for (;;) {
      const taken = await announcements.take(consumer, said, gone);
      if (taken.length === 0) return undefined;
      for (const { stream, field, now } of taken) {
        const other = parseField(field, { stream, group, consumer }, now)!;
        if (!isGone(other)) return other;
        gone.push(other.instance);
      }
    }
  }
}
