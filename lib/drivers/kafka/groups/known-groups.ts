import { chunksOf } from '../../../core/collections/chunks.js';
import type { GroupOffset, KafkaAdmin, PartitionOffsets } from '../connection/kafka-client.js';
import { isReply } from '../errors/kafka-reply.error.js';
import { groupIn, groupOn, type Names } from '../names/names.js';

/** Requests that wait for an answer at a time. */
const AT_ONCE = 20;
/** So many topics are asked for one by one. */
const FEW = 8;

/** A group on one topic: that of a stream, or of its retries. */
export interface GroupOnTopic {
  readonly stream: string;
  readonly group: string;
  readonly topic: string;
  readonly kafkaGroup: string;
}

type ByTopic = ReadonlyMap<string, readonly GroupOffset[]>;

/** What brokers know of some streams and their groups. */
export interface KnownGroups {
  /** Of each topic that exists. */
  readonly offsets: ReadonlyMap<string, readonly PartitionOffsets[]>;
  /** The groups on the topics of streams. */
  readonly groups: readonly GroupOnTopic[];
  /** What Kafka groups have committed. */
  readonly committed: ReadonlyMap<string, ByTopic>;
  /** The marks of groups. */
  readonly marks: ReadonlyMap<string, ByTopic>;
  /** How many members Kafka groups have. */
  readonly members: ReadonlyMap<string, number>;
}

interface Parts {
  readonly admin: KafkaAdmin;
  readonly names: Names;
}

/**
 * Asks brokers about streams and their groups: for the lists of topics and groups, twice for each topic,
 * twice for each group of each topic, and once for each group.
 */
export async function askAbout(
  { admin, names }: Parts,
  streams: readonly string[],
): Promise<KnownGroups> {
  const topics = await existing(
    admin,
    streams.map((stream) => names.topic(stream)),
  );
  const there = streams.filter((stream) => topics.has(names.topic(stream)));
  const kafkaGroups = there.length > 0 ? await admin.listGroups() : [];
  const groups = there.flatMap((stream) => groupsOf(kafkaGroups, stream, names.topic(stream)));
  const retries = await retriesOf({ admin, names }, groups);
  const [offsets, committed, marks, members] = await Promise.all([
    eachOf([...topics, ...retries.map(({ topic }) => topic)], (topic) => offsetsOf(admin, topic)),
    eachOf(
      [...groups, ...retries].map(({ kafkaGroup }) => kafkaGroup),
      (kafkaGroup) => admin.allGroupOffsets(kafkaGroup),
    ),
    eachOf([...new Set(groups.map(({ group }) => group))], (group) =>
      admin.allGroupOffsets(names.marks(group)),
    ),
    eachOf(
      groups.map(({ kafkaGroup }) => kafkaGroup),
      (kafkaGroup) => membersOf(admin, kafkaGroup),
    ),
  ]);
  return { offsets: withoutGone(offsets), groups, committed, marks, members };
}

/** Those of other programs, too, where they are named in the same way. */
const groupsOf = (kafkaGroups: readonly string[], stream: string, topic: string): GroupOnTopic[] =>
  kafkaGroups.flatMap((kafkaGroup) => {
    const group = groupIn(kafkaGroup, topic);
    return group === undefined ? [] : [{ stream, group, topic, kafkaGroup }];
  });

/** The groups with a topic of retries, on that topic. */
async function retriesOf(
  { admin, names }: Parts,
  groups: readonly GroupOnTopic[],
): Promise<GroupOnTopic[]> {
  const all = groups.map(({ stream, group }): GroupOnTopic => {
    const topic = names.retries(group, stream);
    return { stream, group, topic, kafkaGroup: groupOn(group, topic) };
  });
  const topics = await existing(
    admin,
    all.map(({ topic }) => topic),
  );
  return all.filter(({ topic }) => topics.has(topic));
}

async function eachOf<T>(
  keys: readonly string[],
  ask: (key: string) => Promise<T>,
): Promise<Map<string, T>> {
  const answers = new Map<string, T>();
  for (const some of chunksOf(keys, AT_ONCE)) {
    const found = await Promise.all(some.map(ask));
    for (const [index, key] of some.entries()) answers.set(key, found[index]!);
  }
  return answers;
}

/** Partitions without a leader are left out. Undefined: the topic was deleted meanwhile. */
async function offsetsOf(
  admin: KafkaAdmin,
  topic: string,
): Promise<readonly PartitionOffsets[] | undefined> {
  try {
    return (await admin.offsets(topic, 'led')).toSorted((a, b) => a.partition - b.partition);
  } catch (error) {
    if (isReply(error, 'UNKNOWN_TOPIC_OR_PARTITION')) return undefined;
    throw error;
  }
}

const withoutGone = <T>(all: ReadonlyMap<string, T | undefined>): ReadonlyMap<string, T> =>
  new Map([...all].flatMap(([key, one]) => (one === undefined ? [] : [[key, one] as const])));

async function membersOf(admin: KafkaAdmin, kafkaGroup: string): Promise<number> {
  const [found] = await admin.describeGroups([kafkaGroup]);
  return found?.members.length ?? 0;
}

/** Those of these topics that exist. Brokers are asked for each of a few topics, and for the list of all for more. */
async function existing(
  admin: KafkaAdmin,
  topics: readonly string[],
): Promise<ReadonlySet<string>> {
  if (topics.length <= FEW) return new Set((await admin.topics(topics)).keys());
  const all = new Set(await admin.listTopics());
  return new Set(topics.filter((topic) => all.has(topic)));
}
