import type { FurthestBehind, GroupReport, StreamReport } from '../../../ports/group-admin.js';
import type { PartitionOffsets } from '../connection/kafka-client.js';
import { BEGINNING, messageId } from '../ids/message-ids.js';

/** A stream as its topic says. */
export interface DescribedTopic {
  readonly stream: string;
  readonly offsets: readonly PartitionOffsets[];
  readonly groups: readonly GroupReport[];
}

/**
 * The report of a stream. Numbers of entries are those of offsets: records that end transactions, and
 * records that compaction has removed, count as entries.
 */
export function streamReport({ stream, offsets, groups }: DescribedTopic): StreamReport {
  const first = offsets.find(({ low, high }) => high > low);
  const last = offsets.findLast(({ high }) => high > 0);
  return {
    stream,
    length: sum(offsets.map(({ low, high }) => high - low)),
    entriesAdded: sum(offsets.map(({ high }) => high)),
    lastId: last ? messageId(last.partition, last.high - 1) : BEGINNING,
    firstId: first && messageId(first.partition, first.low),
    groups,
    furthestBehind: furthestBehind(groups),
  };
}

/** The group with the most entries that it has not settled. */
function furthestBehind(groups: readonly GroupReport[]): FurthestBehind | undefined {
  let most: GroupReport | undefined;
  for (const group of groups) if (!most || behind(group) > behind(most)) most = group;
  if (!most) return undefined;
  const { name, oldestPendingId, oldestUndeliveredId, lastDeliveredId } = most;
  return {
    name,
    by: oldestPendingId === undefined ? 'undelivered' : 'pending',
    needs: oldestPendingId ?? oldestUndeliveredId ?? lastDeliveredId,
  };
}

const behind = ({ pending, lag }: GroupReport): number => pending + (lag ?? 0);

export const sum = (numbers: readonly number[]): number =>
  numbers.reduce((all, one) => all + one, 0);
