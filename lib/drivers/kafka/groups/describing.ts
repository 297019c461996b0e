import type { GroupReport, StreamReport } from '../../../ports/group-admin.js';
import type { KafkaAdmin } from '../connection/kafka-client.js';
import { groupOn, type Names } from '../names/names.js';
import { decodeMetadata } from '../partitions/offset-metadata.js';
import { progressAt, type Progress } from '../partitions/progress.js';
import { committedOf, existsBy, marksOf } from './group-marks.js';
import { groupReport, type DescribedPartition } from './group-report.js';
import { askAbout, type GroupOnTopic, type KnownGroups } from './known-groups.js';
import type { Mark } from './mark.js';
import { movedTo } from '../partitions/moved.js';
import type { RecordsAt } from './records-at.js';
import { streamReport } from './topic-report.js';

interface Parts {
  readonly admin: KafkaAdmin;
  readonly names: Names;
  readonly records: RecordsAt;
}

/**
 * Describes streams and their groups. Beside the requests of `askAbout`, reads one record for each partition
 * with entries that wait, unless it was read lately.
 */
export async function describeStreams(
  parts: Parts,
  streams: readonly string[],
): Promise<(StreamReport | undefined)[]> {
  const known = await askAbout(parts, [...new Set(streams)]);
  const reports = new Map<string, StreamReport>();
  for (const stream of new Set(streams)) {
    const offsets = known.offsets.get(parts.names.topic(stream));
    if (!offsets) continue;
    const groups: GroupReport[] = [];
    for (const one of known.groups.filter((group) => group.stream === stream)) {
      const report = await describeGroup(parts, known, one);
      if (report) groups.push(report);
    }
    reports.set(stream, streamReport({ stream, offsets, groups }));
  }
  return streams.map((stream) => reports.get(stream));
}

/** Undefined: no such group is there, only a Kafka group of that name. */
async function describeGroup(
  { names, records }: Parts,
  known: KnownGroups,
  { stream, group, topic, kafkaGroup }: GroupOnTopic,
): Promise<GroupReport | undefined> {
  const partitions = partitionsOf(known, { group, topic });
  if (!partitions) return undefined;
  const retries = names.retries(group, stream);
  return groupReport(
    {
      ...{ name: group, topic, consumers: known.members.get(kafkaGroup) ?? 0, partitions },
      retries: { topic: retries, partitions: partitionsOf(known, { group, topic: retries }, true) },
    },
    records,
  );
}

/** Undefined: the group does not read the topic. */
function partitionsOf(
  { offsets, committed, marks }: KnownGroups,
  { group, topic }: Pick<GroupOnTopic, 'group' | 'topic'>,
  always = false,
): DescribedPartition[] | undefined {
  const ofTopic = marksOf(marks.get(group)?.get(topic) ?? []);
  const own = committedOf(committed.get(groupOn(group, topic))?.get(topic) ?? []);
  if (!always && !existsBy(ofTopic, own)) return undefined;
  return offsets.get(topic)?.map((of) => {
    const { partition, low } = of;
    return { ...of, progress: progressOf(ofTopic.at(partition), own.get(partition), low) };
  });
}

/** How far a group is, where its consumers have not followed the mark, too. */
export function progressOf(
  mark: Mark | undefined,
  committed: { readonly offset: number; readonly metadata: string } | undefined,
  low: number,
): Progress {
  const before = committed && decodeMetadata(committed.offset, committed.metadata);
  if (!mark || mark.n <= (before?.markNumber ?? 0)) return before ?? progressAt(low);
  if (before && mark.kind === 'moved') return movedTo(before, mark.offset, mark.n);
  return progressAt(mark.offset, mark.n);
}
