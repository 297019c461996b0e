import type { PendingEntries } from '../../ports/group-admin.js';
import type { PendingFilter } from '../../options/admin-options.js';

/** Most entries handed over by one call of the port. */
const PAGE = 1000;

/** Hands up to `most` pending entries to a consumer, oldest first. @returns their ids */
export async function handOver(
  entries: PendingEntries,
  from: { readonly stream: string; readonly group: string; readonly filter: PendingFilter },
  to: { readonly consumer: string; readonly minIdleMs: number },
  most: number,
): Promise<string[]> {
  const { stream, group, filter } = from;
  const claimed: string[] = [];
  for (let start = {}; claimed.length < most;) {
    const page = await entries.list(stream, group, { ...filter, ...start, count: PAGE });
    const ids = page
      .filter(({ consumer }) => consumer !== to.consumer)
      .slice(0, most - claimed.length)
      .map(({ id }) => id);
    claimed.push(...(await entries.claim(stream, group, { ...to, ids })));
    if (page.length < PAGE) break;
    start = { start: `(${page.at(-1)!.id}` };
  }
  return claimed;
}
