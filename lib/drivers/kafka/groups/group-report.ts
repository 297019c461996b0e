import { systemClock } from '../../../core/clock.js';
import type { PartitionLag } from '../../../core/lag.js';
import type { GroupReport } from '../../../ports/group-admin.js';
import type { PartitionOffsets } from '../connection/kafka-client.js';
import { BEGINNING, messageId } from '../ids/message-ids.js';
import type { Progress } from '../partitions/progress.js';
import { givenBack, pendingRanges, unreadFrom } from '../partitions/moved.js';
import type { RecordAt, RecordsAt } from './records-at.js';
import { sum } from './topic-report.js';

/** What a group has done of one partition, and what the partition has. */
export interface DescribedPartition extends PartitionOffsets {
  readonly progress: Progress;
}

export interface DescribedGroup {
  readonly name: string;
  readonly topic: string;
  readonly consumers: number;
  readonly partitions: readonly DescribedPartition[];
  /** What waits for a retry of the group apart from the stream. */
  readonly retries: {
    readonly topic: string;
    /** Undefined: the topic does not exist. */
    readonly partitions: readonly DescribedPartition[] | undefined;
  };
}

interface Found extends PartitionLag {
  readonly oldestPending: RecordAt | undefined;
  readonly oldestUndelivered: RecordAt | undefined;
}

/** The report of a group on one topic. What is in its topic of retries is pending. */
export async function groupReport(
  { name, topic, consumers, partitions, retries }: DescribedGroup,
  records: RecordsAt,
): Promise<GroupReport> {
  const [found, waiting] = await Promise.all([
    Promise.all(partitions.map((one) => findEntries(topic, one, records))),
    Promise.all((retries.partitions ?? []).map((one) => findEntries(retries.topic, one, records))),
  ]);
  const pending = oldest([
    ...found.map(({ oldestPending }) => oldestPending),
    ...waiting.flatMap((one) => [one.oldestPending, one.oldestUndelivered]),
  ]);
  const undelivered = oldest(found.map(({ oldestUndelivered }) => oldestUndelivered));
  const read = partitions.map(({ partition, progress }) => {
    return { partition, upTo: unreadFrom(progress).from };
  });
  const delivered = read.findLast(({ upTo }) => upTo > 0);
  return {
    ...{ name, consumers },
    pending:
      sum([...found, ...waiting].map((one) => one.pending)) + sum(waiting.map((one) => one.lag)),
    lastDeliveredId: delivered ? messageId(delivered.partition, delivered.upTo - 1) : BEGINNING,
    entriesRead: sum(read.map(({ upTo }) => upTo)),
    lag: sum(found.map((one) => one.lag)),
    oldestPendingId: pending?.id,
    oldestPendingAge: ageOf(pending),
    oldestUndeliveredId: undelivered?.id,
    oldestUndeliveredAge: ageOf(undelivered),
    partitions: found.map(({ partition, pending: held, lag }) => ({
      partition,
      pending: held,
      lag,
    })),
  };
}

async function findEntries(
  topic: string,
  { partition, low, high, progress }: DescribedPartition,
  records: RecordsAt,
): Promise<Found> {
  // Entries that the broker has deleted are neither pending nor undelivered.
  const ranges = pendingRanges(progress).filter(([, to]) => to > low);
  const [first] = ranges;
  const { from, doneBehind } = unreadFrom(progress);
  const unreadAt = Math.max(from, low);
  const back = givenBack(progress).filter((offset) => offset >= low);
  const at = (offset: number | undefined) =>
    offset === undefined ? undefined : records.at(topic, { partition, offset, high });
  const [held, again, next] = await Promise.all([
    at(first && Math.max(first[0], low)),
    at(back[0]),
    at(unreadAt),
  ]);
  const unread = typeof next === 'object' ? next.offset : unreadAt;
  const behind = next === 'none' ? 0 : Math.max(0, high - unread - doneBehind);
  return {
    partition: String(partition),
    pending: sum(ranges.map(([from, to]) => to - Math.max(from, low))),
    lag: back.length + behind,
    oldestPending: entryOf(held),
    oldestUndelivered: entryOf(again) ?? entryOf(next),
  };
}

const entryOf = (found: RecordAt | 'none' | undefined): RecordAt | undefined =>
  typeof found === 'object' ? found : undefined;

function oldest(entries: readonly (RecordAt | undefined)[]): RecordAt | undefined {
  let first: RecordAt | undefined;
  for (const one of entries) {
    if (one && (!first || one.publishedAt < first.publishedAt)) first = one;
  }
  return first;
}

/** In milliseconds. */
const ageOf = (entry: RecordAt | undefined): number =>
  entry ? Math.max(0, systemClock.wallTime() - entry.publishedAt) : 0;
