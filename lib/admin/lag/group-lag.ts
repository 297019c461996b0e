import { timeOf } from '../../core/entry-id.js';
import type { StreamReport } from '../../ports/group-admin.js';
import type { GroupLag } from '../../core/lag.js';

/** What a report says of the lag of each group. */
export function groupLags(report: StreamReport): GroupLag[] {
  const { stream, length, readAt } = report;
  return report.groups.map((group) => ({
    stream,
    group: group.name,
    length,
    lag: group.lag,
    timeLag: ageOf(group.oldestUndeliveredId, readAt),
    pending: group.pending,
    oldestPendingAge: ageOf(group.oldestPendingId, readAt),
    consumers: group.consumers,
  }));
}

/** By the time that an id begins with, ms; 0 for none. */
export const ageOf = (id: string | undefined, now: number): number =>
  id === undefined ? 0 : Math.max(0, now - timeOf(id));
