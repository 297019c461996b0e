import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import type { Statements } from '../connection/statements.js';
import type { GroupParts } from './create-group.js';
import { toStored } from '../sql/exact-text.js';

/** A group of a stream. What does not exist is null. */
export interface FoundGroup {
  /** The number of the stream. */
  readonly number: number | null;
  /** The number of the group. Also that of a group that was deleted. */
  readonly grp: number | null;
  /** The group was deleted on request. */
  readonly deleted: boolean | null;
}

/** Looks up a group on many streams. Returns one result for each, in order. Creates nothing. */
export async function findGroups(
  statements: Statements,
  prefix: string,
  streams: readonly string[],
  group: string,
): Promise<FoundGroup[]> {
  const { rows } = await statements.query<FoundGroup>(
    'looking for groups',
    `select s.id as number, g.id as grp, g.deleted
    from unnest($2::text[]) with ordinality as n(name, at)
    left join {schema}.stream s on s.prefix = $1 and s.name = n.name
    left join {schema}.grp g on g.stream = s.id and g.name = $3
    order by n.at`,
    [prefix, streams.map(toStored), toStored(group)],
  );
  return rows;
}

/** @throws GroupNotFoundError, StreamNotFoundError */
export async function findGroup(
  { database, streams }: Pick<GroupParts, 'database' | 'streams'>,
  stream: string,
  group: string,
): Promise<number> {
  const [found] = await findGroups(database, streams.prefix, [stream], group);
  const { number, grp, deleted } = found!;
  if (number === null) throw new StreamNotFoundError(stream);
  if (grp === null || deleted) throw new GroupNotFoundError(stream, group);
  return grp;
}
