import { randomBytes } from 'node:crypto';
import { ConfigResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  InvalidMessageError,
  PayloadTooLargeError,
} from '../../lib/core/errors/publishing.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import type { KafkaOptions } from '../../lib/drivers/kafka/connection/kafka.options.js';
import {
  KafkaTopicMissingError,
  KafkaTopicNameError,
} from '../../lib/drivers/kafka/errors/kafka-topic.errors.js';
import { kafka as kafkaDriver } from '../../lib/drivers/kafka/kafka.driver.js';
import type { MessageSource } from '../../lib/ports/source.js';
import { endOf, recordsIn } from '../support/kafka-records.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { until } from '../support/until.js';

const entry = (stream: string, payload: string, more: object = {}): OutgoingEntry => ({
  stream,
  fields: ['event_type', 'test', 'payload', payload],
  ...more,
});

describe('publishing to Kafka', needsKafka(), () => {
  let kafka: TestKafka;
  let streams = 0;
  beforeAll(async () => {
    kafka = await testKafka();
  }, 60_000);
  afterAll(() => kafka?.cleanup());

  const unique = (): string => `stream-${++streams}`;

  /** A source of the driver, closed after the test. */
  function opened(options: KafkaOptions = {}): MessageSource {
    const context = { events: new EventBus(), keyPrefix: kafka.prefix };
    const { source } = kafkaDriver({ brokers: kafka.brokers, ...options }).open(context);
    onTestFinished(() => source.close());
    return source;
  }

  const valuesIn = async (stream: string, count: number): Promise<string[]> =>
    (await recordsIn(kafka, kafka.prefix + stream, count)).map(({ value }) => String(value));

  /** A setting of a topic, and whether the broker has it from the topic itself. */
  async function settingOf(topic: string, name: string): Promise<string | undefined> {
    const { resources } = await kafka.admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configNames: [name] }],
    });
    return resources[0]?.configEntries[0]?.configValue;
  }

  test('another program reads key, value and headers, and the id is partition and offset', async () => {
    const stream = unique();
    const [id] = await opened().publish([entry(stream, '{"total":5}', { key: 'c-1' })]);
    const [record] = await recordsIn(kafka, kafka.prefix + stream, 1);
    expect(id).toBe(`${record!.partition}-${record!.offset}`);
    expect([String(record!.key), String(record!.value)]).toEqual(['c-1', '{"total":5}']);
    expect(record!.headers).toEqual({ event_type: Buffer.from('test') });
  });

  test('a key has the partition that another producer gives it, and a message may name its own', async () => {
    const topic = await kafka.createTopic(unique(), 7);
    const stream = topic.slice(kafka.prefix.length);
    const producer = kafka.client.producer({ idempotent: true });
    await producer.connect();
    const keys = Array.from({ length: 40 }, (_, index) => `key-${index}-ü`);
    await producer.send({ topic, messages: keys.map((key) => ({ key, value: 'theirs' })) });
    await producer.disconnect();
    const source = opened();
    const ids = await source.publish(keys.map((key) => entry(stream, 'ours', { key })));
    const records = await recordsIn(kafka, topic, 80);
    const partitions = new Map(records.map(({ key, partition }) => [String(key), partition]));
    expect(ids.map((id) => Number(String(id).split('-')[0]))).toEqual(
      keys.map((key) => partitions.get(key)),
    );
    const perKey = new Set(records.map(({ key, partition }) => `${String(key)} ${partition}`));
    expect(perKey.size).toBe(keys.length);
    const [named, outside] = await source.publish([
      entry(stream, 'x', { key: 'key-1-ü', partition: 6 }),
      entry(stream, 'x', { partition: 7 }),
    ]);
    expect(named).toMatch(/^6-/);
    expect(outside).toBeInstanceOf(InvalidMessageError);
  });

  test('calls without a key go to all partitions, those of one call to one', async () => {
    const topic = await kafka.createTopic(unique(), 3);
    const stream = topic.slice(kafka.prefix.length);
    const source = opened();
    const partitions = new Set<string>();
    for (let call = 0; call < 3; call++) {
      const ids = await source.publish(['a', 'b', 'c'].map((value) => entry(stream, value)));
      const own = new Set(ids.map((id) => String(id).split('-')[0]!));
      expect(own.size).toBe(1);
      for (const partition of own) partitions.add(partition);
    }
    expect(partitions.size).toBe(3);
  });

  test('messages keep their order: without waiting, to a topic that is missing, and again', async () => {
    const stream = unique();
    const source = opened();
    const values = Array.from({ length: 500 }, (_, index) => String(index));
    const publishOneByOne = async (): Promise<unknown[]> =>
      (await Promise.all(values.map((value) => source.publish([entry(stream, value)])))).flat();
    expect(await publishOneByOne()).toEqual(values.map((value) => `0-${value}`));
    expect(await valuesIn(stream, 500)).toEqual(values);
    await kafka.admin.deleteTopics({ topics: [kafka.prefix + stream] });
    // The broker has no topic for these: the driver makes it again, and sends them again.
    expect(await publishOneByOne()).toEqual(values.map((value) => `0-${value}`));
    expect(await valuesIn(stream, 500)).toEqual(values);
  });

  /** Asked again while a partition of a topic that was just made has no leader. */
  async function partitionsOf(topic: string): Promise<number> {
    let count = 0;
    await until('all partitions have leaders', async () => {
      const offsets = await kafka.admin.fetchTopicOffsets(topic).catch(() => []);
      return (count = offsets.length) > 0;
    });
    return count;
  }

  test('a topic is made as the options say, with the times of the broker', async () => {
    const stream = unique();
    const source = opened({ topics: { partitions: 3, config: { 'retention.ms': 86_400_000 } } });
    await source.publish([entry(stream, '1')]);
    const topic = kafka.prefix + stream;
    expect(await partitionsOf(topic)).toBe(3);
    expect(await settingOf(topic, 'retention.ms')).toBe('86400000');
    expect(await settingOf(topic, 'message.timestamp.type')).toBe('LogAppendTime');
    const usual = unique();
    await opened().publish([entry(usual, '1')]);
    expect(await partitionsOf(kafka.prefix + usual)).toBe(1);
  });

  test('a topic that is there stays as it is', async () => {
    const topic = await kafka.createTopic(unique(), 2);
    const source = opened({ topics: { partitions: 5, config: { 'retention.ms': 1000 } } });
    await source.publish([entry(topic.slice(kafka.prefix.length), '1')]);
    expect(await kafka.admin.fetchTopicOffsets(topic)).toHaveLength(2);
    expect(await settingOf(topic, 'message.timestamp.type')).toBe('CreateTime');
    expect(await settingOf(topic, 'retention.ms')).not.toBe('1000');
  });

  test('two processes that make the same topic at once both publish to it', async () => {
    const sources = [opened(), opened(), opened()];
    for (let round = 0; round < 5; round++) {
      const stream = unique();
      const ids = await Promise.all(sources.map((source) => source.publish([entry(stream, 'x')])));
      expect(new Set(ids.flat())).toEqual(new Set(['0-0', '0-1', '0-2']));
    }
  });

  test('without createTopics, publishing to a missing topic is an error that names it', async () => {
    const source = opened({ createTopics: false });
    const there = (await kafka.createTopic(unique())).slice(kafka.prefix.length);
    const missing = unique();
    const [refused, stored] = await source.publish([entry(missing, '1'), entry(there, '2')]);
    expect(refused).toBeInstanceOf(KafkaTopicMissingError);
    expect(refused).toMatchObject({ topic: kafka.prefix + missing });
    expect(stored).toBe('0-0');
    await kafka.createTopic(missing);
    expect(await source.publish([entry(missing, '1')])).toEqual(['0-0']);
  });

  test('a stream whose topic collides with another one is refused by name', async () => {
    const source = opened();
    const base = unique();
    await source.publish([entry(`${base}.a.b`, '1')]);
    const [refused] = await source.publish([entry(`${base}.a_b`, '2')]);
    expect(refused).toBeInstanceOf(KafkaTopicNameError);
    expect(refused).toMatchObject({
      topic: `${kafka.prefix}${base}.a_b`,
      others: [`${kafka.prefix}${base}.a.b`],
    });
  });

  test('a message that is too large for its topic is refused, and the others are published', async () => {
    const [small, usual] = [await limited(4096), unique()];
    const source = opened();
    const large = 'x'.repeat(4090);
    const [first, refused, third, other, huge] = await source.publish([
      ...[entry(small, '1'), entry(small, large), entry(small, '3'), entry(usual, large)],
      entry(usual, 'x'.repeat(1_100_000)),
    ]);
    expect(refused).toBeInstanceOf(PayloadTooLargeError);
    expect(refused).toMatchObject({ limit: 4096, eventType: 'test' });
    expect(huge).toMatchObject({ limit: 1_048_588 });
    expect([first, third, other]).toEqual(['0-0', '0-1', '0-0']);
    // Each fits, and all together do not.
    const many = Array.from({ length: 30 }, (_, index) => String(index).padStart(1000, '.'));
    const ids = await source.publish(many.map((value) => entry(small, value)));
    expect(ids).toEqual(many.map((_, index) => `0-${index + 2}`));
    expect((await valuesIn(small, 32)).slice(2)).toEqual(many);
  });

  test('a topic whose limit is lowered while it is used refuses for that limit', async () => {
    const stream = unique();
    const source = opened();
    await source.publish([entry(stream, 'x'.repeat(5000))]);
    await kafka.admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: ConfigResourceTypes.TOPIC,
          name: kafka.prefix + stream,
          configEntries: [{ name: 'max.message.bytes', value: '2000' }],
        },
      ],
    });
    await until('the limit is lowered', async () => {
      const [result] = await source.publish([entry(stream, 'x'.repeat(5000))]);
      return result instanceof PayloadTooLargeError;
    });
    const [refused] = await source.publish([entry(stream, 'x'.repeat(5000))]);
    expect(refused).toMatchObject({ limit: 2000 });
    expect(await source.publish([entry(stream, 'small')])).toEqual([expect.stringMatching(/^0-/)]);
  });

  test('partitions that are added are published to', async () => {
    const topic = await kafka.createTopic(unique());
    const stream = topic.slice(kafka.prefix.length);
    const source = opened({ metadataMaxAge: 100 });
    await source.publish([entry(stream, '1')]);
    await kafka.admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] });
    await until('the second partition is known', async () => {
      const [id] = await source.publish([entry(stream, '2', { partition: 1 })]);
      return typeof id === 'string' && id.startsWith('1-');
    });
  });

  test('10,000 messages of one call are all stored, in order', async () => {
    const stream = unique();
    const values = Array.from({ length: 10_000 }, (_, index) => String(index));
    const ids = await opened().publish(values.map((value) => entry(stream, value)));
    expect(ids).toEqual(values.map((value) => `0-${value}`));
    expect(await valuesIn(stream, 10_000)).toEqual(values);
  });

  test('an entry that is no list of names and values is refused', async () => {
    const stream = unique();
    const [none, odd, good] = await opened().publish([
      { stream, fields: [] },
      { stream, fields: ['a'] },
      entry(stream, '1'),
    ]);
    expect(none).toBeInstanceOf(InvalidMessageError);
    expect(odd).toBeInstanceOf(InvalidMessageError);
    expect(good).toBe('0-0');
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)(
    'messages that are compressed with %s are smaller, and another program reads them',
    async (compression) => {
      const stream = await limited(20_000);
      const large = 'many of the same words '.repeat(5000);
      const [refused] = await opened().publish([entry(stream, large)]);
      expect(refused).toBeInstanceOf(PayloadTooLargeError);
      const values = Array.from({ length: 200 }, (_, index) => `${index}`);
      const source = opened({ compression });
      const ids = await source.publish([large, ...values].map((text) => entry(stream, text)));
      expect(ids).toEqual(ids.map((_, index) => `0-${index}`));
      expect(await valuesIn(stream, 201)).toEqual([large, ...values]);
      const random = randomBytes(30_000).toString('base64');
      const [incompressible] = await source.publish([entry(stream, random)]);
      expect(incompressible).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', limit: 20_000 });
    },
  );

  /** A stream whose topic takes batches of so many bytes. */
  async function limited(bytes: number): Promise<string> {
    const stream = unique();
    const configEntries = [{ name: 'max.message.bytes', value: String(bytes) }];
    await kafka.admin.createTopics({
      topics: [{ topic: kafka.prefix + stream, numPartitions: 1, configEntries }],
    });
    return stream;
  }

  test('nothing is published once the source is closed, and calls before that have their answers', async () => {
    const stream = unique();
    const source = opened();
    const calls = Array.from({ length: 50 }, () => source.publish([entry(stream, 'x')]));
    await source.close();
    const [late] = await source.publish([entry(stream, 'late')]);
    expect(late).toMatchObject({ code: 'CLOSED' });
    expect((await Promise.all(calls)).flat()).toEqual(calls.map((_, index) => `0-${index}`));
    expect(await endOf(kafka, kafka.prefix + stream)).toBe(50);
  });
});
