import {
  GroupNotFoundError,
  InvalidOptionsError,
  type SubscribeOptions,
} from 'nestjs-redis-streams/driver';
import type { Change } from './changes.js';
import { Feed } from './feed.js';
import { FILE_IDS } from './file.ids.js';
import { Group } from './group.js';
import type { Store } from './store.js';
import type { StreamLog } from './stream.log.js';

/** What a consumer subscribes to. */
export interface Subscribed {
  readonly stream: string;
  /** With its key prefix. */
  readonly key: string;
  readonly store: Store;
  readonly options: SubscribeOptions;
}

// #region remembered
/** The journal remembers the group: it goes on where it was. A new one begins where the options say. */
export function rememberedFeed({ stream, key, store, options }: Subscribed): Feed {
  const { consumer, startId, createGroup } = options;
  const group = store.contents.group(key, options.group);
  const commit = (changes: readonly Change[]) => store.commit(changes);
  if (group.read === undefined) {
    if (createGroup === false) throw new GroupNotFoundError(stream, options.group);
    commit([{ do: 'read', ...group.name, to: startOf(group.log, startId) }]);
  }
  return new Feed({ stream, group, consumer, readsOn: true, clock: store.clock, commit });
}
// #endregion

// #region resumed
/**
 * The engine remembers: the group begins behind the position that it gives, and is forgotten with the
 * subscription. Redriven messages have no position, so the journal keeps them until they are settled.
 */
export function resumedFeeds({ stream, key, store, options }: Subscribed): Feed[] {
  const { clock } = store;
  const { consumer, startId, positions } = options;
  const stored = store.contents.group(key, options.group);
  const group = new Group(stored.log, stored.name);
  const to = positions?.has(stream) ? Number(positions.get(stream)) : startOf(group.log, startId);
  group.apply({ do: 'read', ...group.name, to });
  const shared = { stream, consumer, clock };
  return [
    new Feed({
      ...{ ...shared, group, readsOn: true },
      commit: (changes) => commitOthers(store, group, changes),
    }),
    new Feed({
      ...{ ...shared, group: stored, readsOn: false },
      commit: (changes) => store.commit(changes),
    }),
  ];
}

/** No file has the changes of the group itself. */
function commitOthers(store: Store, group: Group, changes: readonly Change[]): void {
  const others = changes.filter((change) => !('group' in change));
  if (others.length > 0) store.commit(others);
  for (const change of changes) if ('group' in change) group.apply(change);
}
// #endregion

/** Where streams without a position begin with new entries: the engine has to remember that. */
export function begunAtEnd(all: readonly Subscribed[]): ReadonlyMap<string, string> {
  const fresh = all.filter(
    ({ stream, options }) => options.startId === '$' && !options.positions?.has(stream),
  );
  return new Map(
    fresh.map(({ stream, key, store, options }) => {
      const { log } = store.contents.group(key, options.group);
      return [stream, String(log.lastId)];
    }),
  );
}

/** The id behind which a new group begins. @throws InvalidOptionsError */
function startOf({ lastId }: StreamLog, startId: string): number {
  if (startId === '$') return lastId;
  if (FILE_IDS.accepts(startId)) return Math.min(Number(startId), lastId);
  throw new InvalidOptionsError([
    `startId must be '0', '$' or ${FILE_IDS.expected}, not '${startId}'`,
  ]);
}
