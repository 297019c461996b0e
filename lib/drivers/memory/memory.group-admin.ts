import { ageOf, idBefore } from '../entry-ids/entry-id.js';
import { furthestBehind } from '../entry-ids/group-position.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import { ClosedError } from '../../core/errors/start-up.errors.js';
import type {
  ConsumerReport,
  GroupAdmin,
  GroupReport,
  StreamReport,
} from '../../ports/group-admin.js';
import type { ConsumerGroup } from './broker/consumer-group.js';
import type { GroupedLog } from './broker/grouped-log.js';
import type { MemoryBroker } from './broker/memory.broker.js';
import type { MemorySource } from './memory.source.js';

/** Finds groups, for their administration. */
export class MemoryGroups {
  constructor(
    readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
    private readonly connection: Pick<MemorySource, 'closed'>,
  ) {}

  /** @throws ClosedError */
  log(stream: string): GroupedLog {
    if (this.connection.closed) throw new ClosedError('The memory driver');
    return this.broker.stream(this.keyPrefix + stream).log;
  }

  /** @throws GroupNotFoundError, StreamNotFoundError */
  group(stream: string, name: string): ConsumerGroup {
    const log = this.log(stream);
    const group = log.find(name);
    if (group) return group;
    throw log.exists ? new GroupNotFoundError(stream, name) : new StreamNotFoundError(stream);
  }

  /** Deletes also the group's redriven messages. */
  delete(stream: string, name: string): boolean {
    const group = this.log(stream).find(name);
    group?.delete();
    if (group) this.broker.stream(this.keyPrefix + stream).forgetRedriven(name);
    return group !== undefined;
  }
}

/** The groups of a broker's streams. */
export class MemoryGroupAdmin implements GroupAdmin {
  constructor(private readonly groups: MemoryGroups) {}

  async create(
    stream: string,
    group: string,
    options: { readonly startId: string; readonly createStream: boolean },
  ): Promise<boolean> {
    const log = this.groups.log(stream);
    if (!options.createStream && !log.exists) throw new StreamNotFoundError(stream);
    const created = log.create(group, options.startId);
    this.groups.broker.wake();
    return created;
  }

  async delete(stream: string, group: string): Promise<boolean> {
    const deleted = this.groups.delete(stream, group);
    this.groups.broker.wake();
    return deleted;
  }

  async describe(streams: readonly string[]): Promise<(StreamReport | undefined)[]> {
    return streams.map((stream) => {
      const log = this.groups.log(stream);
      return log.exists ? reportOf(stream, log, this.groups.broker.clock.wallTime()) : undefined;
    });
  }

  async setPosition(stream: string, group: string, id: string): Promise<void> {
    this.groups.group(stream, group).moveTo(id);
    this.groups.broker.wake();
  }

  async setPositionAt(stream: string, group: string, time: number): Promise<void> {
    await this.setPosition(stream, group, idBefore(`${time}-0`));
  }

  async consumers(stream: string, group: string): Promise<ConsumerReport[]> {
    const found = this.groups.group(stream, group);
    const now = this.groups.broker.clock.now();
    return [...found.consumers].map(([name, { at, gotAt }]) => ({
      name,
      pending: pendingTo(found, name),
      idleMs: Math.round(now - at),
      inactiveMs: gotAt === undefined ? null : Math.round(now - gotAt),
    }));
  }

  async removeConsumer(stream: string, group: string, consumer: string): Promise<number> {
    const found = this.groups.group(stream, group);
    const pending = pendingTo(found, consumer);
    if (pending === 0) found.consumers.delete(consumer);
    return pending;
  }
}

function pendingTo(group: ConsumerGroup, name: string): number {
  return [...group.allPending.values()].filter(({ consumer }) => consumer === name).length;
}

function reportOf(stream: string, { entries, groups: all }: GroupedLog, now: number): StreamReport {
  const groups = all.map(([name, group]) => groupReportOf(name, group, now));
  return {
    stream,
    length: entries.count(),
    entriesAdded: entries.end,
    lastId: entries.lastId,
    firstId: entries.first()?.id,
    groups,
    furthestBehind: furthestBehind(groups),
  };
}

function groupReportOf(name: string, group: ConsumerGroup, now: number): GroupReport {
  const [oldest] = group.allPending.values();
  const unread = group.firstUnread();
  return {
    name,
    consumers: group.consumers.size,
    pending: group.allPending.size,
    lastDeliveredId: group.lastDeliveredId,
    entriesRead: group.position,
    lag: group.countUnread(),
    oldestPendingId: oldest?.id,
    ...(oldest?.held && { oldestIsHeld: true }),
    oldestPendingAge: ageOf(oldest?.id, now),
    oldestUndeliveredId: unread,
    oldestUndeliveredAge: ageOf(unread, now),
  };
}
