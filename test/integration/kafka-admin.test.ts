import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { KAFKA_OPTIONS } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { KafkajsClient } from '../../lib/drivers/kafka/connection/kafkajs/kafkajs-client.js';
import { isReply } from '../../lib/drivers/kafka/errors/kafka-reply.error.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';

describe('the requests about topics and groups of Kafka', needsKafka(), () => {
  let kafka: TestKafka;
  let client: KafkajsClient;

  beforeAll(async () => {
    kafka = await testKafka();
    client = new KafkajsClient(KAFKA_OPTIONS.complete({ brokers: kafka.brokers }), new EventBus());
  });

  afterAll(async () => {
    await client.close();
    await kafka.cleanup();
  });

  const name = (): string => `${kafka.prefix}${randomUUID()}`;

  /** A topic with two partitions, and these values in the first one. */
  async function topicWith(...values: string[]): Promise<string> {
    const topic = name();
    await client.admin.createTopics([{ topic, partitions: 2 }]);
    const producer = await client.producer();
    const records = values.map((value) => ({ topic, partition: 0, key: null, value }));
    expect(await producer.send(records)).toEqual(values.map((_, at) => at));
    return topic;
  }

  it('makes topics as they are wanted, and leaves those that are there', async () => {
    const topic = name();
    const wanted = { topic, partitions: 3, config: { 'retention.ms': '60000' } };
    await client.admin.createTopics([wanted]);
    await client.admin.createTopics([{ ...wanted, partitions: 5 }]);
    expect(await client.admin.topics([topic])).toEqual(new Map([[topic, [0, 1, 2]]]));
    expect((await client.admin.config(topic)).get('retention.ms')).toBe('60000');
    expect(await client.admin.listTopics()).toContain(topic);
    await client.admin.deleteTopics([topic, name()]);
    await expect.poll(() => client.admin.topics([topic])).toEqual(new Map());
  });

  it('takes the number of partitions of the broker where none is given', async () => {
    const topic = name();
    await client.admin.createTopics([{ topic }]);
    expect((await client.admin.topics([topic])).get(topic)).toEqual([0]);
  });

  it('says fast that a topic is missing', async () => {
    const missing = name();
    const began = performance.now();
    expect(await client.admin.topics([missing])).toEqual(new Map());
    for (const asking of [client.admin.offsets(missing), client.admin.read(missing, 0, 0, 1000)]) {
      const error = await asking.catch((refused: unknown) => refused);
      expect(isReply(error, 'UNKNOWN_TOPIC_OR_PARTITION')).toBe(true);
    }
    expect(performance.now() - began).toBeLessThan(1000);
  });

  it('tells the offsets of all partitions, and those of a time', async () => {
    const topic = await topicWith('a', 'b', 'c');
    const end = Date.now() + 1000;
    expect(await client.admin.offsets(topic)).toEqual([
      { partition: 0, low: 0, high: 3 },
      { partition: 1, low: 0, high: 0 },
    ]);
    expect(await client.admin.offsetsAt(topic, 0)).toEqual(
      new Map([
        [0, 0],
        [1, 0],
      ]),
    );
    expect(await client.admin.offsetsAt(topic, end)).toEqual(
      new Map([
        [0, 3],
        [1, 0],
      ]),
    );
    await client.admin.deleteRecords(topic, [{ partition: 0, offset: 2 }]);
    expect((await client.admin.offsets(topic))[0]).toEqual({ partition: 0, low: 2, high: 3 });
  });

  it('reads without a group, and at once where there is nothing', async () => {
    const topic = await topicWith('a', 'b');
    const batch = await client.admin.read(topic, 0, 1, 100_000);
    expect(batch.records.map(({ offset, value }) => [offset, String(value)])).toEqual([[1, 'b']]);
    expect(batch).toMatchObject({ next: 2, high: 2 });
    const began = performance.now();
    expect(await client.admin.read(topic, 0, 2, 100_000)).toMatchObject({ records: [], next: 2 });
    expect(performance.now() - began).toBeLessThan(400);
    const error = await client.admin.read(topic, 0, 9, 1000).catch((refused: unknown) => refused);
    expect(isReply(error, 'OFFSET_OUT_OF_RANGE')).toBe(true);
  });

  it('keeps offsets of groups with their metadata, and forgets groups', async () => {
    const topic = await topicWith('a', 'b');
    const group = name();
    expect(await client.admin.groupOffsets(group, topic)).toEqual([
      { partition: 0, offset: undefined, metadata: '' },
      { partition: 1, offset: undefined, metadata: '' },
    ]);
    const committed = { partition: 0, offset: 1, metadata: 'done 3' };
    await client.admin.setGroupOffsets(group, topic, [committed]);
    expect((await client.admin.groupOffsets(group, topic))[0]).toEqual(committed);
    expect(await client.admin.allGroupOffsets(group)).toEqual(new Map([[topic, [committed]]]));
    expect(await client.admin.listGroups()).toContain(group);
    const [described] = await client.admin.describeGroups([group]);
    expect(described).toMatchObject({ groupId: group, state: 'Empty', members: [] });
    await client.admin.deleteGroups([group, name()]);
    expect(await client.admin.listGroups()).not.toContain(group);
  });

  it('describes the members of a group, and does not delete a group with members', async () => {
    const topic = await topicWith();
    const groupId = name();
    const consumer = kafka.client.consumer({ groupId });
    await consumer.subscribe({ topic });
    await consumer.run({ eachMessage: async () => undefined });
    await expect
      .poll(async () => (await client.admin.describeGroups([groupId]))[0]?.members[0]?.partitions)
      .toEqual({ [topic]: [0, 1] });
    const error = await client.admin.deleteGroups([groupId]).catch((refused: unknown) => refused);
    expect(isReply(error, 'NON_EMPTY_GROUP')).toBe(true);
    await consumer.disconnect();
  });
});
