import { compareEntryIds } from '../entry-ids/entry-id.js';
import type { PendingEntries, PendingEntry, PendingQuery } from '../../ports/group-admin.js';
import type { Pending } from './broker/pending-entry.js';
import type { MemoryGroups } from './memory.group-admin.js';

/** Idle time of an entry that was given back, as on Redis, in milliseconds. */
const ONE_DAY = 86_400_000;

/** The pending lists of a broker's groups. */
export class MemoryPendingEntries implements PendingEntries {
  constructor(private readonly groups: MemoryGroups) {}

  async list(stream: string, group: string, query: PendingQuery): Promise<PendingEntry[]> {
    const { consumer, minIdleMs = 0, start = '-', count } = query;
    const isWanted = (entry: PendingEntry): boolean =>
      (consumer === undefined || entry.consumer === consumer) &&
      entry.idleMs >= minIdleMs &&
      isFrom(start, entry.id);
    return [...this.groups.group(stream, group).allPending.values()]
      .map((pending) => this.entryOf(pending))
      .filter(isWanted)
      .slice(0, count);
  }

  async claim(
    stream: string,
    group: string,
    to: { readonly consumer: string; readonly minIdleMs: number; readonly ids: readonly string[] },
  ): Promise<string[]> {
    const found = this.groups.group(stream, group);
    const ids = new Set(to.ids);
    const now = this.groups.broker.clock.now();
    const { claims } = found.claim(to.consumer, Infinity, now, (_, pending) => {
      const { id, idleMs } = this.entryOf(pending);
      return ids.has(id) && idleMs >= to.minIdleMs;
    });
    this.groups.broker.wake();
    return claims.map(({ position }) => found.allPending.get(position)!.id);
  }

  async acknowledge(stream: string, group: string, ids: readonly string[]): Promise<number> {
    const found = this.groups.log(stream).find(group);
    const meant = new Set(ids);
    const positions = [...(found?.allPending ?? [])].filter(([, { id }]) => meant.has(id));
    for (const [position] of positions) found!.remove(position);
    this.groups.broker.changed();
    return positions.length;
  }

  private entryOf({ id, consumer, deliveredAt, count }: Pending): PendingEntry {
    const idle = Math.round(this.groups.broker.clock.now() - deliveredAt);
    const idleMs = consumer === undefined ? ONE_DAY : idle;
    return { id, consumer: consumer ?? '', idleMs, delivered: count };
  }
}

/** Whether an id is not before `start`: `-`, an id, or `(` and an id that is itself left out. */
function isFrom(start: string, id: string): boolean {
  if (start === '-') return true;
  return start.startsWith('(')
    ? compareEntryIds(id, start.slice(1)) > 0
    : compareEntryIds(id, start) >= 0;
}
