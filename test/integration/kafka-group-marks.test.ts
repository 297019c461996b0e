import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { KAFKA_OPTIONS } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { KafkajsClient } from '../../lib/drivers/kafka/connection/kafkajs/kafkajs-client.js';
import { GroupMarks } from '../../lib/drivers/kafka/groups/group-marks.js';
import { Groups } from '../../lib/drivers/kafka/groups/groups.js';
import { KafkaGroupAdmin } from '../../lib/drivers/kafka/groups/kafka.group-admin.js';
import { encodeMark } from '../../lib/drivers/kafka/groups/mark.js';
import { groupOn, Names } from '../../lib/drivers/kafka/names/names.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { until } from '../support/until.js';

const PARTITIONS = 3;
const DAY = 24 * 3600;

describe('marks of groups on Kafka', needsKafka(), () => {
  let server: TestKafka;
  let clients: KafkajsClient[];
  let topic: string;
  let group: string;
  let made = 0;
  beforeAll(async () => {
    server = await testKafka();
  });
  afterAll(() => server.cleanup());
  beforeEach(async () => {
    clients = [];
    topic = await server.createTopic(`orders-${++made}`, PARTITIONS);
    group = `${server.prefix}billing-${made}`;
  });
  afterEach(() => Promise.all(clients.map((client) => client.close())));

  /** Another process. */
  function open() {
    const client = new KafkajsClient(
      KAFKA_OPTIONS.complete({ brokers: server.brokers }),
      new EventBus(),
    );
    clients.push(client);
    const names = new Names('');
    const marks = new GroupMarks({ client, names });
    const groups = new Groups({ client, names }, marks);
    const admin = new KafkaGroupAdmin({ client, names, groups, makeTopic: async () => undefined });
    return { client, names, marks, groups, admin };
  }

  const wanted = (startId = '0', create = true) => ({ group, topic, startId, create });

  async function send(count: number): Promise<void> {
    const producer = server.client.producer();
    await producer.connect();
    const messages = Array.from({ length: count }, (_, at) => ({
      value: String(at),
      partition: at % PARTITIONS,
    }));
    await producer.send({ topic, messages });
    await producer.disconnect();
  }

  test('of many processes that begin at the same moment, one makes the group, where it began', async () => {
    await send(6);
    const processes = Array.from({ length: 5 }, open);
    const opened = await Promise.all(
      processes.map(({ groups }, at) => groups.open(wanted(at % 2 ? '0' : '$'))),
    );
    expect(new Set(opened)).toEqual(new Set(['there']));
    const found = await Promise.all(
      processes.map(async ({ marks }) => (await marks.look(group)).of(topic)),
    );
    const [first] = found;
    expect(first!.latest).toMatchObject({ n: 1, kind: 'created' });
    const offsets = [0, 1, 2].map((partition) => first!.at(partition)!.offset);
    const ends = (await processes[0]!.client.admin.offsets(topic))
      .toSorted((one, other) => one.partition - other.partition)
      .map(({ high }) => high);
    expect([[0, 0, 0], ends]).toContainEqual(offsets);
    for (const other of found) expect([...other]).toEqual([...first!]);
    // Other tools see the group, with its beginnings.
    const committed = await processes[0]!.client.admin.allGroupOffsets(groupOn(group, topic));
    // The broker answers in an order of its own.
    const ofTopic = new Map(
      committed.get(topic)!.map(({ partition, offset }) => [partition, offset]),
    );
    expect([0, 1, 2].map((partition) => ofTopic.get(partition))).toEqual(offsets);
  });

  test('decisions of several processes come one after the other, and each has its number', async () => {
    const processes = Array.from({ length: 4 }, open);
    await processes[0]!.groups.open(wanted());
    const seen: number[] = [];
    await Promise.all(
      Array.from({ length: 12 }, (_, at) =>
        processes[at % 4]!.marks.decide({ group, topic }, (state) => {
          seen.push(state!.marks.latest!.n);
          return { kind: 'moved', offsets: new Map([[at % PARTITIONS, 0]]) };
        }),
      ),
    );
    const found = (await processes[1]!.marks.look(group)).of(topic);
    expect(found.latest!.n).toBe(13);
    expect(new Set(seen)).toEqual(new Set(Array.from({ length: 12 }, (_, at) => at + 1)));
  });

  test('a decision that another process interrupts is taken again, and not twice', async () => {
    const [one, other] = [open(), open()];
    await one.groups.open(wanted());
    let calls = 0;
    const decided = await one.marks.decide({ group, topic }, async () => {
      if (++calls === 1) await other.admin.delete(topic, group);
      return { kind: 'moved', offsets: new Map([[0, 0]]) };
    });
    expect(decided).toBe(true);
    expect(calls).toBe(2);
    expect((await other.marks.look(group)).of(topic).latest).toMatchObject({ n: 3, kind: 'moved' });
  });

  test('of many processes that create and delete, one does each', async () => {
    const processes = Array.from({ length: 4 }, open);
    const begin = { startId: '0', createStream: false };
    for (let round = 0; round < 3; round++) {
      const created = await Promise.all(
        Array.from({ length: 8 }, (_, at) => processes[at % 4]!.admin.create(topic, group, begin)),
      );
      expect(created.filter(Boolean)).toHaveLength(1);
      const deleted = await Promise.all(
        Array.from({ length: 8 }, (_, at) => processes[at % 4]!.admin.delete(topic, group)),
      );
      expect(deleted.filter(Boolean)).toHaveLength(1);
    }
  });

  test('a consumer finds the group, and makes none where it was deleted, or where it may not', async () => {
    const { groups, admin } = open();
    expect(await groups.open(wanted('0', false))).toBe('no-group');
    expect(await groups.open({ ...wanted(), topic: `${topic}-missing` })).toBe('no-stream');
    expect(await groups.open(wanted())).toBe('there');
    expect(await groups.open(wanted('$', false))).toBe('there');
    await admin.delete(topic, group);
    expect(await groups.open(wanted())).toBe('deleted');
    await admin.create(topic, group, { startId: '$', createStream: false });
    expect(await groups.open(wanted('0', false))).toBe('there');
  });

  test('a topic that is made again has no group', async () => {
    const { groups, client } = open();
    await groups.open(wanted());
    await server.admin.deleteTopics({ topics: [topic] });
    await until('it is gone', async () => (await client.admin.topics([topic])).size === 0);
    await client.admin.createTopics([{ topic, partitions: 1 }]);
    expect(await groups.open(wanted('0', false))).toBe('no-group');
  });

  test('the consumers of this process have looked before a decision is told', async () => {
    const { groups, marks, admin } = open();
    await groups.open(wanted());
    const heard: string[] = [];
    const end = marks.onChange(async (of, on) => {
      heard.push(`${of} ${on} ${(await marks.look(of)).of(on).latest!.kind}`);
    });
    await admin.setPosition(topic, group, '$');
    expect(heard).toEqual([`${group} ${topic} moved`]);
    end();
    await admin.delete(topic, group);
    expect(heard).toHaveLength(1);
  });

  test('marks that brokers are about to forget are written again, as they are', async () => {
    const { client, names, marks } = open();
    const old = Math.floor(Date.now() / 1000) - 2 * DAY;
    const mark = { n: 7, kind: 'deleted' as const, offset: 0, written: old, by: 'test' };
    const producer = await client.producer({ transactionalId: names.marksWriter(group, topic) });
    const transaction = await producer.transaction();
    await transaction.sendOffsets(names.marks(group), topic, [
      { partition: 1, offset: 5, metadata: encodeMark(mark) },
    ]);
    await transaction.commit();
    await producer.close();
    await until('it is written again', async () => {
      const found = (await marks.look(group)).of(topic).at(1);
      return found !== undefined && found.written > old;
    });
    const again = (await marks.look(group)).of(topic).at(1);
    expect(again).toEqual({ ...mark, offset: 5, written: again!.written });
  });
});
