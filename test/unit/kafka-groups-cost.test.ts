import { describe, expect, it } from 'vitest';
import type { KafkaAdmin } from '../../lib/drivers/kafka/connection/kafka-client.js';
import { describeStreams } from '../../lib/drivers/kafka/groups/describing.js';
import { RecordsAt } from '../../lib/drivers/kafka/groups/records-at.js';
import { groupOn, Names } from '../../lib/drivers/kafka/names/names.js';

const STREAMS = 5;
const GROUPS = 40;
const PARTITIONS = 3;
const RECORD = { timestamp: 1_796_000_000_000, key: null, value: null, headers: {} };

/** An admin of some streams, each with groups that have read nothing; counts what is asked. */
function brokers() {
  const names = new Names('');
  const streams = Array.from({ length: STREAMS }, (_, at) => `s${at}`);
  const groups = Array.from({ length: GROUPS }, (_, at) => `g${at}`);
  const asked = new Map<string, number>();
  let underWay = 0;
  let most = 0;
  const answers: Partial<KafkaAdmin> = {
    topics: async (topics) =>
      new Map(topics.filter((topic) => streams.includes(topic)).map((topic) => [topic, [0, 1, 2]])),
    listTopics: async () => streams,
    offsets: async () => [0, 1, 2].map((partition) => ({ partition, low: 0, high: 10 })),
    listGroups: async () => [
      ...streams.flatMap((stream) => groups.map((group) => groupOn(group, stream))),
      ...groups.map((group) => names.marks(group)),
      'of another program',
    ],
    allGroupOffsets: async (group) =>
      group.endsWith(':marks')
        ? new Map()
        : new Map([
            [
              group.split('/')[1]!,
              [0, 1, 2].map((at) => ({ partition: at, offset: 4, metadata: '' })),
            ],
          ]),
    describeGroups: async (ids) =>
      ids.map((groupId) => ({ groupId, state: 'Empty' as const, members: [] })),
    read: async (topic, partition, offset) => ({
      ...{ topic, partition, next: offset + 1, high: 10 },
      records: [{ ...RECORD, offset }],
    }),
  };
  const admin = new Proxy({} as KafkaAdmin, {
    get: (_, name: keyof KafkaAdmin) => {
      const answer = answers[name] as ((...args: unknown[]) => Promise<unknown>) | undefined;
      return async (...args: unknown[]) => {
        asked.set(name, (asked.get(name) ?? 0) + 1);
        most = Math.max(most, ++underWay);
        await Promise.resolve();
        underWay--;
        return answer!(...args);
      };
    },
  });
  return { admin, names, streams, asked, most: () => most };
}

describe('describing groups of Kafka', () => {
  it('asks once for all topics and groups, and a bounded number of times for each group', async () => {
    const { admin, names, streams, asked, most } = brokers();
    const records = new RecordsAt(admin);
    const reports = await describeStreams({ admin, names, records }, streams);
    expect(reports.map((one) => one?.groups.length)).toEqual(streams.map(() => GROUPS));
    for (const { lag, pending, partitions } of reports.flatMap((one) => one!.groups)) {
      expect({ lag, pending, partitions: partitions?.length }).toEqual({
        ...{ lag: 6 * PARTITIONS, pending: 0, partitions: PARTITIONS },
      });
    }
    expect(Object.fromEntries(asked)).toEqual({
      ...{ topics: 1, listTopics: 1, listGroups: 1, offsets: STREAMS },
      allGroupOffsets: STREAMS * GROUPS + GROUPS,
      describeGroups: STREAMS * GROUPS,
      read: STREAMS * PARTITIONS,
    });
    expect(most()).toBeLessThanOrEqual(4 * 20);
  });

  it('reads no record again that it has read within a minute', async () => {
    const { admin, names, streams, asked } = brokers();
    const records = new RecordsAt(admin);
    await describeStreams({ admin, names, records }, streams);
    await describeStreams({ admin, names, records }, streams);
    expect(asked.get('read')).toBe(STREAMS * PARTITIONS);
  });

  it('asks nothing about groups where no stream is there', async () => {
    const { admin, names, asked } = brokers();
    const records = new RecordsAt(admin);
    expect(await describeStreams({ admin, names, records }, ['none'])).toEqual([undefined]);
    expect([...asked.keys()]).toEqual(['topics']);
  });
});
