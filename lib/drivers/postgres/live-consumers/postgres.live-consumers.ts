import type {
  Announcement,
  GroupMembers,
  LiveConsumer,
  LiveConsumers,
  Membership,
} from '../../../ports/live-consumers.js';
import { isGone } from '../../../ports/instances-here.js';
import { refuseLongNames } from '../sql/name-limit.js';
import { MemberReads } from './member-reads.js';
import { PostgresMembership, type MembershipContext } from './postgres.membership.js';
import { Registry, type Said } from './registry.js';

/** Stores the registry in tables. Each step sees what all others have committed. */
export class PostgresLiveConsumers implements LiveConsumers {
  readonly settlingTime = 0;
  private readonly reads: MemberReads;

  constructor(private readonly context: MembershipContext) {
    this.reads = new MemberReads(context.database, context.streams.prefix);
  }

  async join(announcement: Announcement): Promise<Membership> {
    refuseLongNames(announcement);
    const { database, streams } = this.context;
    const registry = new Registry(database, streams.prefix, announcement);
    const said = announcement.streams.map((announced): Said => ({ announced, state: 'live' }));
    let namesake: LiveConsumer | undefined;
    for (let n = 1; ; n++) {
      const consumer = n === 1 ? announcement.consumer : `${announcement.consumer}~${n}`;
      const rival = await rivalOf(registry, consumer, said);
      namesake ??= rival;
      if (rival) continue;
      const parts = { ...this.context, registry, announcement, consumer, namesake };
      return new PostgresMembership(parts, said);
    }
  }

  members(stream: string, group: string): Promise<GroupMembers> {
    return this.reads.read(stream, group);
  }
}

/** @returns the live consumer that has the name; undefined: the name belongs to this consumer now */
async function rivalOf(
  registry: Registry,
  consumer: string,
  said: readonly Said[],
): Promise<LiveConsumer | undefined> {
  const gone: string[] = [];
  for (;;) {
    const rivals = await registry.announce(consumer, said, gone);
    const rival = rivals.find((one) => !isGone(one));
    if (rival || rivals.length === 0) return rival;
    gone.push(...rivals.map(({ instance }) => instance));
  }
}
