import { chunksOf } from '../../../core/collections/chunks.js';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import type { ConsumerReport, GroupAdmin, StreamReport } from '../../../ports/group-admin.js';
import { tellOfMessages } from '../publishing/message-hints.js';
import type { Hints } from '../connection/hints.js';
import { fromStored, toStored } from '../sql/exact-text.js';
import { createGroup, type GroupParts } from './create-group.js';
import { describeStreams } from './describe-streams.js';
import { findGroup, findGroups } from './find-groups.js';
import { whenUnlocked } from './when-unlocked.js';

/** Most streams that one statement describes. */
const DESCRIBE_AT_ONCE = 100;

export interface GroupAdminParts extends GroupParts {
  readonly hints: Hints;
}

/** The groups of streams, in tables. */
export class PostgresGroupAdmin implements GroupAdmin {
  constructor(private readonly parts: GroupAdminParts) {}

  async create(
    stream: string,
    group: string,
    { startId, createStream }: { readonly startId: string; readonly createStream: boolean },
  ): Promise<boolean> {
    const { database, streams, hints } = this.parts;
    if (!createStream) {
      const [found] = await findGroups(database, streams.prefix, [stream], group);
      if (found!.number === null) throw new StreamNotFoundError(stream);
    }
    const { word, number } = await createGroup(this.parts, {
      ...{ stream, group, startId },
      revived: true,
    });
    if (word === 'created') tellOfMessages(hints, [number]);
    return word === 'created';
  }

  async delete(stream: string, group: string): Promise<boolean> {
    const { database, streams } = this.parts;
    const [found] = await findGroups(database, streams.prefix, [stream], group);
    if (found!.number === null) return false;
    const { deleted } = await whenUnlocked<{ readonly deleted: boolean }>(this.parts, {
      stream,
      action: `deleting group ${group}`,
      text: 'select {schema}.delete_group($1, $2) as deleted',
      values: [found!.number, toStored(group)],
    });
    return deleted;
  }

  async describe(streams: readonly string[]): Promise<(StreamReport | undefined)[]> {
    const { database, streams: names } = this.parts;
    const reports: (StreamReport | undefined)[] = [];
    for (const some of chunksOf(streams, DESCRIBE_AT_ONCE)) {
      const found = await describeStreams(database, names.prefix, some);
      reports.push(...some.map((stream) => found.get(stream)));
    }
    return reports;
  }

  async setPosition(stream: string, group: string, id: string): Promise<void> {
    const { database, streams, hints } = this.parts;
    const [found] = await findGroups(database, streams.prefix, [stream], group);
    if (found!.number === null) throw new StreamNotFoundError(stream);
    const { word } = await whenUnlocked<{
      readonly word: 'moved' | 'no-group' | 'no-stream';
    }>(this.parts, {
      stream,
      action: `moving group ${group}`,
      text: 'select {schema}.move_group($1, $2, $3) as word',
      values: [found!.number, toStored(group), id],
    });
    if (word === 'no-stream') throw new StreamNotFoundError(stream);
    if (word === 'no-group') throw new GroupNotFoundError(stream, group);
    tellOfMessages(hints, [found!.number]);
  }

  async setPositionAt(stream: string, group: string, time: number): Promise<void> {
    const { database, streams } = this.parts;
    const [found] = await findGroups(database, streams.prefix, [stream], group);
    if (found!.number === null) throw new StreamNotFoundError(stream);
    // From the newest message back: those since that time are read.
    const { rows } = await database.query<{ readonly id: string }>(
      `looking for the messages before ${new Date(time).toISOString()}`,
      `select id from {schema}.message where stream = $1 and published_at < $2
        order by id desc limit 1`,
      [found!.number, time],
    );
    await this.setPosition(stream, group, rows[0]?.id ?? '0');
  }

  async consumers(stream: string, group: string): Promise<ConsumerReport[]> {
    const grp = await findGroup(this.parts, stream, group);
    const { rows } = await this.parts.database.query<{
      readonly name: string;
      readonly pending: string;
      readonly idle: string;
      readonly inactive: string | null;
    }>(
      'listing consumers',
      `with holding as (
        select d.consumer, count(*) as pending, max(d.fresh_at) as fresh_at from {schema}.delivery d
        where d.grp = $1 and not d.free and d.record is null group by d.consumer
      )
      select coalesce(m.consumer, h.consumer) as name, coalesce(h.pending, 0) as pending,
        {schema}.ms_since(coalesce(m.seen_at, h.fresh_at)) as idle,
        {schema}.ms_since(m.got_at) as inactive
      from (select * from {schema}.member where grp = $1) m
      full join holding h on h.consumer = m.consumer
      order by name`,
      [grp],
    );
    return rows.map(({ name, pending, idle, inactive }) => ({
      name: fromStored(name),
      pending: Number(pending),
      idleMs: Number(idle),
      inactiveMs: inactive === null ? null : Number(inactive),
    }));
  }

  async removeConsumer(stream: string, group: string, consumer: string): Promise<number> {
    const grp = await findGroup(this.parts, stream, group);
    const { rows } = await this.parts.database.query<{ pending: string }>(
      'removing a consumer',
      `with holding as (
        select count(*) as pending from {schema}.delivery d
        where d.grp = $1 and not d.free and d.record is null and d.consumer = $2
      ), removed as (
        delete from {schema}.member m using holding
        where m.grp = $1 and m.consumer = $2 and holding.pending = 0
      ) select pending from holding`,
      [grp, toStored(consumer)],
    );
    return Number(rows[0]!.pending);
  }
}
