import type { PartitionLag } from '../../core/lag.js';
import type { StreamReport } from '../../ports/group-admin.js';

/** State of a group. `null`: not known to the server, or none. */
export interface GroupInfo {
  /** Name of the group. */
  readonly name: string;
  /** Number of consumers that the server knows. */
  readonly consumers: number | null;
  /** Number of entries that were delivered and not settled. */
  readonly pending: number;
  /** Where nothing was delivered, an id before all others: `0-0` on Redis. */
  readonly lastDeliveredId: string;
  /** Number of entries that were delivered to the group so far. */
  readonly entriesRead: number | null;
  /** Number of entries not delivered yet. */
  readonly lag: number | null;
  /** Id of the oldest pending entry. */
  readonly oldestPendingId: string | null;
  /** Time since the oldest pending entry was published, by the server's clock, in milliseconds. */
  readonly oldestPendingAgeMs: number | null;
  /** Where the stream has partitions, as on Kafka: each of them, in order. */
  readonly partitions?: readonly PartitionLag[];
}

/** Undefined where there is no such group. */
export function infoOf({ groups }: StreamReport, name: string): GroupInfo | undefined {
  const found = groups.find((group) => group.name === name);
  if (!found) return undefined;
  const { oldestPendingId = null, oldestPendingAge } = found;
  const { consumers, pending, lastDeliveredId, entriesRead, lag } = found;
  const oldestPendingAgeMs = oldestPendingId === null ? null : oldestPendingAge;
  const counts = { consumers, pending, lastDeliveredId, entriesRead, lag };
  const { partitions } = found;
  return {
    name,
    ...counts,
    oldestPendingId,
    oldestPendingAgeMs,
    ...(partitions && { partitions }),
  };
}
