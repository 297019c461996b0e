import type { Message } from 'kafkajs';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
} from 'vitest';
import type { DeadLetterRecord } from '../../lib/core/dead-letter-record.js';
import type { Lease } from '../../lib/core/lease.js';
import { deadLetter } from '../../lib/core/settlement.js';
import type {
  KafkaProducer,
  ProducerOptions,
} from '../../lib/drivers/kafka/connection/kafka-client.js';
import { DEFAULT_TOPICS, KAFKA_OPTIONS } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { KafkajsClient } from '../../lib/drivers/kafka/connection/kafkajs/kafkajs-client.js';
import { KafkaDeadLetters } from '../../lib/drivers/kafka/dead-letters/kafka.dead-letters.js';
import { KafkaConnectionError } from '../../lib/drivers/kafka/errors/kafka-connection.errors.js';
import { Names } from '../../lib/drivers/kafka/names/names.js';
import { RetryTopics } from '../../lib/drivers/kafka/retries/retry-topics.js';
import { Topics } from '../../lib/drivers/kafka/topics/topics.js';
import type { DeadLetterQueue } from '../../lib/ports/dead-letters.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { recordFor } from '../../lib/testing/world/source-world.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { KafkaWorld } from '../support/kafka-world.js';
import { until } from '../support/until.js';

const NO_TEXT = Buffer.from([0xff, 0x00, 0xfe]);
const TRACE = { trace: 'x', bytes: NO_TEXT, twice: ['1', '2'] };

describe('dead letters of Kafka', needsKafka(), () => {
  let server: TestKafka;
  let world: KafkaWorld;
  let driver: Driver;
  let letters: DeadLetterQueue;
  let stream: string;
  let count = 0;
  beforeAll(async () => {
    server = await testKafka();
  });
  afterAll(() => server?.cleanup());
  beforeEach(() => {
    world = new KafkaWorld(server);
    driver = world.driver();
    letters = driver.deadLetters!;
    stream = `orders${count++}`;
  });
  afterEach(() => world.close());

  const record = (id: string, more: Partial<DeadLetterRecord> = {}): DeadLetterRecord => ({
    ...{ stream, id, group: 'billing', consumer: 'worker-1', attempts: 5 },
    ...{ reason: 'max-deliveries', publishedAt: '2026-01-01T00:00:00.000Z' },
    deadLetteredAt: '2026-01-02T00:00:00.000Z',
    ...more,
  });

  async function put(howMany: number, more: Partial<DeadLetterRecord> = {}): Promise<string[]> {
    const puts = Array.from({ length: howMany }, (_, at) =>
      letters.put(record(`0-${at}`, more), ['event_type', 'e', 'payload', String(at)]),
    );
    return Promise.all(puts);
  }

  const payloads = async (): Promise<string[]> =>
    (await letters.list(stream, 1000)).items.map(({ fields }) => fields[3]!);

  /** Another program writes to the topic of the stream. */
  async function sent(...messages: Message[]): Promise<void> {
    await server.createTopic(stream).catch(() => undefined);
    await world.send(world.topic(stream), ...messages);
  }

  const taken = (subscription: Subscription, howMany: number): Promise<Lease[]> =>
    world.take(subscription, howMany);

  /** The group gives up on so many messages. */
  async function givenUp(subscription: Subscription, howMany: number): Promise<Lease[]> {
    const leases = await taken(subscription, howMany);
    const settlement = deadLetter('unrecoverable');
    const outcomes = await driver.source.settle(
      leases.map((lease) => ({ lease, settlement, record: recordFor(lease, 'g', 'c') })),
    );
    expect(outcomes).toEqual(leases.map(() => 'settled'));
    return leases;
  }

  test('are the record as it was, with headers that other programs can read', async () => {
    await sent({ key: NO_TEXT, value: '{"a":1}', headers: TRACE });
    await givenUp(await world.subscribe(driver, stream), 1);
    const [message] = await world.read(`${world.topic(stream)}.dlq`, 1);
    expect([message!.key, message!.value]).toEqual([NO_TEXT, Buffer.from('{"a":1}')]);
    const headers = Object.fromEntries(
      Object.entries(message!.headers!).map(([name, value]) => [name, String(value)]),
    );
    expect(message!.headers!['bytes']).toEqual(NO_TEXT);
    expect(headers).toMatchObject({
      trace: 'x',
      twice: '1,2',
      'streams-dead-topic': world.topic(stream),
      'streams-dead-partition': '0',
      'streams-dead-offset': '0',
      'streams-dead-stream': stream,
      'streams-dead-id': '0-0',
      'streams-dead-group': 'g',
      'streams-dead-consumer': 'c',
      'streams-dead-attempts': '1',
      'streams-dead-reason': 'unrecoverable',
    });
    expect(JSON.parse(headers['streams-dead-error']!)).toMatchObject({ name: 'TypeError' });
  });

  const others: Record<string, Message> = {
    'a tombstone': { key: 'k', value: null },
    'bytes without a key': { key: null, value: NO_TEXT },
    'a key of no text and headers': { key: NO_TEXT, value: 'x', headers: TRACE },
    'an empty value': { key: 'k', value: '' },
    'a key that looks like the end of a transaction': { key: Buffer.alloc(4), value: 'x' },
  };
  for (const [name, message] of Object.entries(others)) {
    test(`of other programs come back as they were: ${name}`, async () => {
      await sent(message);
      const subscription = await world.subscribe(driver, stream);
      const [first] = await givenUp(subscription, 1);
      const fields = [...first!.fields!];
      expect((await letters.list(stream, 10)).items[0]!.fields).toEqual(fields);
      expect(await letters.redrive(stream, { all: true })).toBe(1);
      const [again] = await givenUp(subscription, 1);
      expect(again).toMatchObject({ id: first!.id, attempt: 1, redriven: true, fields });
      const [stored] = await world.read(`${world.topic(stream)}.dlq`, 1);
      const bytes = (part: Buffer | string | null | undefined) =>
        part == null ? null : Buffer.from(part);
      expect(stored!.key).toEqual(bytes(message.key));
      expect(stored!.value).toEqual(bytes(message.value as string));
      const own = Object.entries(stored!.headers!).filter(([one]) => !one.startsWith('streams-'));
      expect(JSON.stringify(own)).toBe(JSON.stringify(asRead(message.headers)));
    });
  }

  test('say in which order they died, and have offsets as their ids', async () => {
    const ids = await put(3);
    expect(ids.toSorted()).toEqual(['0-0', '0-1', '0-2']);
    const { items } = await letters.list(stream, 10);
    expect(items.map(({ deadLetterId }) => deadLetterId)).toEqual(ids.toSorted());
  });

  test('of groups and streams of any name are apart', async () => {
    const names = ['a.b', 'a b', 'ü', '*', 's'.repeat(5000)];
    const own = stream;
    for (const name of names) {
      stream = `${own} ${name}`;
      await put(1, { group: name });
    }
    for (const name of names) {
      stream = `${own} ${name}`;
      const { items } = await letters.list(stream, 10);
      expect(items.map((one) => [one.stream, one.group])).toEqual([[stream, name]]);
      expect(await letters.redrive(stream, { group: `${name}.` })).toBe(0);
      expect(await letters.redrive(stream, { group: name })).toBe(1);
    }
  });

  test('that are redriven by several processes at once move once each', async () => {
    await server.createTopic(stream);
    await put(300);
    const others = Array.from({ length: 3 }, () => world.driver().deadLetters!);
    const moved = await Promise.all(
      [letters, ...others].map((one) => one.redrive(stream, { all: true })),
    );
    expect(moved.reduce((sum, one) => sum + one, 0)).toBe(300);
    const subscription = await world.subscribe(driver, stream, { group: 'billing' });
    const leases = await taken(subscription, 300);
    expect(leases.map(({ id }) => id)).toHaveLength(new Set(leases.map(({ id }) => id)).size);
    expect(await subscription.pull(10)).toEqual([]);
    expect(await payloads()).toEqual([]);
  });

  for (const isCommitted of [true, false]) {
    const so = isCommitted ? 'is committed' : 'is not committed';
    test(`move once, and are counted, where a commit ${so} and has no answer`, async () => {
      await server.createTopic(stream);
      await put(3);
      const options = KAFKA_OPTIONS.complete({ brokers: server.brokers });
      const client = new KafkajsClient(options, world.events);
      onTestFinished(() => client.close());
      const { admin } = client;
      let failures = 1;
      const flawed = async (given?: ProducerOptions): Promise<KafkaProducer> => {
        const producer = await client.producer(given);
        const begin = producer.transaction.bind(producer);
        producer.transaction = async () => {
          const transaction = await begin();
          const commit = transaction.commit.bind(transaction);
          transaction.commit = async () => {
            if (failures-- <= 0) return commit();
            if (isCommitted) await commit();
            throw new KafkaConnectionError('unknown', 'committing');
          };
          return transaction;
        };
        return producer;
      };
      const names = new Names(server.prefix);
      const topics = new Topics({ admin, options, settings: DEFAULT_TOPICS });
      const other = new KafkaDeadLetters({
        ...{ client: { producer: flawed }, admin, events: world.events, names, topics },
        retryTopics: new RetryTopics({ admin, names, topics }),
        send: () => Promise.reject(new Error('Nothing is put here.')),
      });
      expect(await other.redrive(stream, { all: true })).toBe(3);
      expect(failures).toBeLessThanOrEqual(0);
      expect(await payloads()).toEqual([]);
      const subscription = await world.subscribe(driver, stream, { group: 'billing' });
      expect(await taken(subscription, 3)).toHaveLength(3);
      expect(await subscription.pull(10)).toEqual([]);
    });
  }

  test('that are redriven and purged at once are one or the other', async () => {
    await server.createTopic(stream);
    await put(300);
    const other = world.driver().deadLetters!;
    const [moved, purged] = await Promise.all([
      letters.redrive(stream, { all: true }),
      other.purge(stream, { all: true }),
    ]);
    expect(moved + purged).toBe(300);
    const subscription = await world.subscribe(driver, stream, { group: 'billing' });
    expect(await taken(subscription, moved)).toHaveLength(moved);
    expect(await subscription.pull(10)).toEqual([]);
  });

  test('leave no records behind below the first that is left', async () => {
    const ids = await put(10);
    const low = async () => {
      const [offsets] = await server.admin.fetchTopicOffsets(`${world.topic(stream)}.dlq`);
      return Number(offsets!.low);
    };
    await letters.purge(stream, { ids: [ids[1]!, ids[5]!] });
    expect(await low()).toBe(0);
    await letters.redrive(stream, { ids: [ids[0]!, ids[2]!] });
    expect(await low()).toBe(3);
    expect(await letters.purge(stream, { all: true })).toBe(6);
    expect(await low()).toBe(10);
    expect((await put(1)).map((id) => id.slice(2))).toEqual(['10']);
  });

  test('of a topic that was deleted are gone, and hide none of the new ones', async () => {
    await put(5);
    await letters.purge(stream, { ids: ['0-0', '0-2'] });
    const topic = `${world.topic(stream)}.dlq`;
    await server.admin.deleteTopics({ topics: [topic] });
    driver = world.driver();
    letters = driver.deadLetters!;
    expect(await letters.list(stream, 10)).toEqual({ items: [] });
    expect(await letters.redrive(stream, { all: true })).toBe(0);
    await put(5);
    expect((await payloads()).toSorted()).toEqual(['0', '1', '2', '3', '4']);
  });

  test('of a topic that another program has made anew are not hidden by what was removed before', async () => {
    await put(3);
    expect(await letters.redrive(stream, { ids: ['0-1', '0-2'] })).toBe(2);
    await server.admin.deleteTopics({ topics: [`${world.topic(stream)}.dlq`] });
    await until('it is gone', async () => (await letters.list(stream, 10)).items.length === 0);
    await server.createTopic(`${stream}.dlq`);
    driver = world.driver();
    letters = driver.deadLetters!;
    await put(2);
    expect(await payloads()).toEqual(['0', '1']);
    expect((await letters.get(stream, '0-1'))?.fields[3]).toBe('1');
    // It notes nothing beside what was removed before, so its letters do not come back later.
    expect(await letters.redrive(stream, { ids: ['0-0'] })).toBe(1);
    await put(1);
    expect(await payloads()).toEqual(['1', '0']);
  });

  test('that are none are told of once, hide no others, and can be purged', async () => {
    const warnings = world.record('warning');
    await put(1);
    const topic = `${world.topic(stream)}.dlq`;
    await world.send(topic, { value: 'x', headers: TRACE }, { value: null });
    await put(1);
    for (let turn = 0; turn < 2; turn++) expect(await payloads()).toEqual(['0', '0']);
    expect(await letters.get(stream, '0-1')).toBeUndefined();
    const unreadable = warnings.filter(({ code }) => code === 'KAFKA_LETTER_UNREADABLE');
    expect(unreadable).toHaveLength(2);
    expect(unreadable[0]!.message).toMatch(`offset 1 of the topic "${topic}"`);
    expect(await letters.redrive(stream, { all: true })).toBe(2);
    expect(await letters.purge(stream, { group: 'billing' })).toBe(0);
    expect(await letters.purge(stream, { ids: ['0-1'] })).toBe(1);
    expect(await letters.purge(stream, { all: true })).toBe(1);
  });

  test('that another program put back on the stream die and come back once more', async () => {
    await sent({ key: 'k', value: 'x' });
    const subscription = await world.subscribe(driver, stream);
    await givenUp(subscription, 1);
    const [letter] = await world.read(`${world.topic(stream)}.dlq`, 1);
    await letters.purge(stream, { all: true });
    const { key, value, headers } = letter!;
    await sent({ key, value, headers: headers! });
    await givenUp(subscription, 1);
    const [again] = (await letters.list(stream, 10)).items;
    expect(again!.id).toBe('0-1');
    await letters.redrive(stream, { all: true });
    const [lease] = await taken(subscription, 1);
    expect(lease).toMatchObject({ id: '0-1', redriven: true });
  });

  test('wait behind a transaction that is not over, and are listed after it', async () => {
    await put(1);
    const producer = server.client.producer({
      ...{ transactionalId: world.topic('open'), idempotent: true, maxInFlightRequests: 1 },
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic: `${world.topic(stream)}.dlq`, messages: [{ value: 'x' }] });
    await put(1);
    expect(await payloads()).toEqual(['0']);
    expect(await letters.redrive(stream, { all: true })).toBe(1);
    await transaction.abort();
    await producer.disconnect();
    expect(await payloads()).toEqual(['0']);
    expect(await letters.redrive(stream, { all: true })).toBe(1);
  });

  test('that are large lose the stack of their error before they are refused', async () => {
    const error = { name: 'TypeError', message: 'm'.repeat(5000), stack: 's'.repeat(16_000) };
    const most = 1_048_588 + 64 * 1024;
    const get = async (size: number) => {
      const id = await letters.put(record('0-1', { error }), ['payload', 'x'.repeat(size)]);
      return (await letters.get(stream, id))!.error;
    };
    expect(await get(1_048_588)).toEqual(error);
    expect(await get(most - 10_000)).toEqual({ name: error.name, message: error.message });
    expect(await get(most - 2000)).toEqual({ name: error.name, message: 'm'.repeat(500) });
    await expect(get(most)).rejects.toMatchObject({ code: 'DEAD_LETTER_TOO_LARGE', stream });
  });

  test('leave no group on the broker', async () => {
    await put(10);
    for (let turn = 0; turn < 3; turn++) await letters.list(stream, 3);
    await letters.redrive(stream, { all: true });
    const { groups } = await server.admin.listGroups();
    expect(groups.filter(({ groupId }) => groupId.includes(world.topic(stream)))).toEqual([]);
  });
});

/** Headers as kafkajs reads them that were written so. */
function asRead(headers: Message['headers'] = {}): [string, Buffer | Buffer[]][] {
  const bytes = (value: Buffer | string): Buffer => Buffer.from(value);
  return Object.entries(headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.map(bytes) : bytes(value!),
  ]);
}
