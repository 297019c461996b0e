import type { PendingEntries, PendingEntry } from '../core/group-admin.js';
import { known, names, pageStart, refuse, whole } from './arguments.js';

/** Entries that are looked at at a time. */
const PAGE = 1000;

/** Which pending entries are meant. */
export interface PendingFilter {
  /** Only those of this consumer. */
  readonly consumer?: string;
  /** Only those that were not delivered or kept fresh for so long. @default 0 */
  readonly minIdleMs?: number;
}

/** One page of them. */
export interface PendingPageOptions extends PendingFilter {
  /** The first id, or `next` of the page before. @default the oldest */
  readonly start?: string;
  /** Most entries of the page. @default 100 */
  readonly count?: number;
}

/** One page, oldest first. */
export interface PendingPage {
  readonly items: readonly PendingEntry[];
  /** Pass as `start` to get the next page. Undefined at the end. */
  readonly next?: string;
}

/** One page of what is pending. @throws InvalidOptionsError */
export async function pendingPage(
  entries: PendingEntries,
  stream: string,
  group: string,
  options: PendingPageOptions,
): Promise<PendingPage> {
  const { count = 100, ...query } = options;
  refuse(
    names({ stream, group }),
    filterProblems(query),
    pageStart('start', query.start),
    whole('count', count, 1),
    known(options, ['consumer', 'minIdleMs', 'start', 'count']),
  );
  const found = await entries.list(stream, group, { ...query, count: count + 1 });
  const items = found.slice(0, count);
  return { items, ...(found.length > count && { next: `(${items.at(-1)!.id}` }) };
}

/** All that is pending, oldest first. @throws InvalidOptionsError */
export async function* allPending(
  entries: PendingEntries,
  stream: string,
  group: string,
  filter: PendingFilter,
): AsyncGenerator<PendingEntry, void> {
  refuse(
    names({ stream, group }),
    filterProblems(filter),
    known(filter, ['consumer', 'minIdleMs']),
  );
  for (let start: string | undefined = '-'; start !== undefined;) {
    const wanted = { ...filter, start, count: PAGE };
    const page: PendingPage = await pendingPage(entries, stream, group, wanted);
    yield* page.items;
    start = page.next;
  }
}

function filterProblems({ consumer, minIdleMs }: PendingFilter): readonly string[] {
  return [
    ...(consumer === undefined ? [] : names({ consumer })),
    ...whole('minIdleMs', minIdleMs, 0),
  ];
}
