import type { PendingEntries, PendingEntry } from '../../ports/group-admin.js';
import { text, whole } from '../../core/declaring/kinds.js';
import { declareOptions, type Given } from '../../core/declaring/shape.js';
import { names, refuse } from '../../core/declaring/refuse.js';
import { pageStart, type Page } from '../../options/admin-options.js';

/** Entries read by one call of the port. */
const PAGE = 1000;

const FILTER = declareOptions('a filter of pending entries', {
  /** Only entries that are pending to this consumer. */
  consumer: text(),
  /**
   * Only entries that were not delivered or kept fresh for this time, in milliseconds. @default 0
   */
  minIdleMs: whole(0),
});

/** Which pending entries to list. */
export interface PendingFilter extends Given<typeof FILTER> {}

const PAGE_ONLY = declareOptions('a page of pending entries', {
  /** The first id, or `next` of the page before. @default the oldest */
  start: pageStart,
  /** Most entries of the page. @default 100 */
  count: whole(1),
});

const PAGE_OPTIONS = declareOptions(PAGE_ONLY.of, { ...FILTER.options, ...PAGE_ONLY.options });

/** Which page of the pending entries to list. */
export interface PendingPageOptions extends PendingFilter, Given<typeof PAGE_ONLY> {}

/** Returns one page of the pending entries, oldest first. @throws InvalidOptionsError */
export async function pendingPage(
  entries: PendingEntries,
  stream: string,
  group: string,
  options: PendingPageOptions,
): Promise<Page<PendingEntry>> {
  refuse(names({ stream, group }), PAGE_OPTIONS.problems(options));
  const { count = 100, ...query } = options;
  const found = await entries.list(stream, group, { ...query, count: count + 1 });
  const items = found.slice(0, count);
  return { items, ...(found.length > count && { next: `(${items.at(-1)!.id}` }) };
}

/** Yields all pending entries, oldest first. @throws InvalidOptionsError */
export async function* allPending(
  entries: PendingEntries,
  stream: string,
  group: string,
  filter: PendingFilter,
): AsyncGenerator<PendingEntry, void> {
  refuse(names({ stream, group }), FILTER.problems(filter));
  for (let start: string | undefined = '-'; start !== undefined;) {
    const wanted = { ...filter, start, count: PAGE };
    const page: Page<PendingEntry> = await pendingPage(entries, stream, group, wanted);
    yield* page.items;
    start = page.next;
  }
}
