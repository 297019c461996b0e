import type { StreamReport } from '../../ports/group-admin.js';
import type { GroupLag } from '../../core/lag.js';

/** The lag of each group, as a report of its stream says. */
export function groupLags({ stream, length, groups }: StreamReport): GroupLag[] {
  return groups.map((group) => ({
    stream,
    group: group.name,
    length,
    lag: group.lag,
    timeLag: group.oldestUndeliveredAge,
    pending: group.pending,
    oldestPendingAge: group.oldestPendingAge,
    consumers: group.consumers,
    ...(group.partitions && { partitions: group.partitions }),
  }));
}
