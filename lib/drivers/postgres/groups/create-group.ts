import type { EventBus } from '../../../core/event-bus.js';
import type { Database } from '../connection/database.js';
import { toStored } from '../sql/exact-text.js';
import { refuseLongNames } from '../sql/name-limit.js';
import type { Streams } from '../streams/streams.js';
import { whenUnlocked } from './when-unlocked.js';

export interface NewGroup {
  readonly stream: string;
  readonly group: string;
  /** `0`, `$`, or the id behind which the group begins. */
  readonly startId: string;
  /** Also where the group was deleted on request. */
  readonly revived: boolean;
}

/**
 * `deleted`: the group was deleted on request, and is not created. `grp` is the number of the group,
 * `number` that of the stream.
 */
export type CreatedGroup =
  | { readonly word: 'created' | 'exists'; readonly grp: number; readonly number: number }
  | { readonly word: 'deleted'; readonly grp: null; readonly number: number };

/**
 * Creates a group where there is none, and its stream.
 * @throws NameTooLongError
 */
export async function createGroup(
  parts: GroupParts,
  { stream, group, startId, revived }: NewGroup,
): Promise<CreatedGroup> {
  refuseLongNames({ group });
  const { streams } = parts;
  for (;;) {
    const number = await streams.idOf(stream);
    const { word, id } = await whenUnlocked<{
      readonly id: number | null;
      readonly word: CreatedGroup['word'] | 'absent';
    }>(parts, {
      stream,
      action: `creating group ${group}`,
      text: 'select * from {schema}.create_group($1, $2, $3, $4)',
      values: [number, toStored(group), startId, revived],
    });
    if (word !== 'absent') return { word, grp: id, number } as CreatedGroup;
    streams.forget([stream]);
  }
}

export interface GroupParts {
  readonly database: Database;
  readonly streams: Streams;
  readonly events: EventBus;
}
