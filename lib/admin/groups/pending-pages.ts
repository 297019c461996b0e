import type { PendingEntries, PendingEntry } from '../../ports/group-admin.js';
import { names, refuse } from '../../core/option-schema/refuse.js';
import {
  PENDING_FILTER,
  type Page,
  type PendingFilter,
  type PendingPageOptions,
} from '../../options/admin-options.js';

/** Entries read by one call of the port. */
const PAGE = 1000;

/** Returns one page of the pending entries, oldest first. */
export async function pendingPage(
  entries: PendingEntries,
  stream: string,
  group: string,
  options: PendingPageOptions,
): Promise<Page<PendingEntry>> {
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
  refuse(names({ stream, group }), PENDING_FILTER.problems(filter));
  let start: string | undefined;
  do {
    const wanted = { ...filter, ...(start !== undefined && { start }), count: PAGE };
    const page: Page<PendingEntry> = await pendingPage(entries, stream, group, wanted);
    yield* page.items;
    start = page.next;
  } while (start !== undefined);
}
