import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from 'vitest';
import type { Lease } from '../../lib/core/lease.js';
import { ack, deadLetter, retry } from '../../lib/core/settlement.js';
import { Retries } from '../../lib/drivers/kafka/retries/retries.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import type { KafkaSubscription } from '../../lib/drivers/kafka/reading/kafka.subscription.js';
import { recordFor } from '../../lib/testing/world/source-world.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { KafkaWorld } from '../support/kafka-world.js';
import { until } from '../support/until.js';

const NO_TEXT = Buffer.from([0xff, 0x00, 0xfe]);

describe('retries of Kafka that wait long', needsKafka(), () => {
  let server: TestKafka;
  let world: KafkaWorld;
  let driver: Driver;
  let stream: string;
  let count = 0;
  beforeAll(async () => {
    server = await testKafka();
  });
  afterAll(() => server?.cleanup());
  beforeEach(() => {
    world = new KafkaWorld(server);
    driver = world.driver({ retryTopicAfter: 50 });
    stream = `orders${count++}`;
  });
  afterEach(() => world.close());

  const retries = (): string => `${world.topic(stream)}.g.retry`;

  const taken = (subscription: Subscription, howMany: number): Promise<Lease[]> =>
    world.take(subscription, howMany);

  /** Puts so many messages off, each by its delay in milliseconds. */
  async function putOff(leases: readonly Lease[], delays: readonly number[]): Promise<void> {
    const outcomes = await driver.source.settle(
      leases.map((lease, at) => ({ lease, settlement: retry(delays[at]!) })),
    );
    expect(outcomes).toEqual(leases.map(() => 'moved'));
  }

  const acknowledge = async (leases: readonly Lease[]): Promise<void> => {
    const outcomes = await driver.source.settle(
      leases.map((lease) => ({ lease, settlement: ack })),
    );
    expect(outcomes).toEqual(leases.map(() => 'settled'));
  };

  /** How far the group has come on a topic, by partition. */
  async function floors(topic: string, group: string): Promise<Map<number, number>> {
    const [found] = await server.admin.fetchOffsets({ groupId: group, topics: [topic] });
    return new Map(found!.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  }

  test('come again when they are due, with their attempts, stream, id and time', async () => {
    const [id] = await world.publish(driver, stream, 'a');
    const subscription = await world.subscribe(driver, stream);
    const [first] = await taken(subscription, 1);
    const dueAt = Date.now() + 400;
    await putOff([first!], [400]);
    const [second] = await taken(subscription, 1);
    expect(Date.now()).toBeGreaterThanOrEqual(dueAt);
    expect(second).toMatchObject({
      ...{ stream, id, attempt: 2, charged: true, redriven: false },
      ...{ publishedAt: first!.publishedAt, fields: first!.fields },
    });
    await putOff([second!], [60]);
    const [third] = await taken(subscription, 1);
    expect(third).toMatchObject({ stream, id, attempt: 3 });
    await acknowledge([third!]);
    expect(await subscription.pull(1)).toEqual([]);
  });

  test('hold up neither their partition nor each other', async () => {
    const values = Array.from({ length: 20 }, (_, at) => String(at));
    await world.publish(driver, stream, ...values);
    const subscription = await world.subscribe(driver, stream);
    const leases = await taken(subscription, 20);
    // The one that waits longest is the first of its partition.
    await putOff(leases.slice(0, 2), [60_000, 100]);
    await acknowledge(leases.slice(2));
    const group = `g/${world.topic(stream)}`;
    await until('all of the stream is done', async () => {
      const floor = await floors(world.topic(stream), group);
      return floor.get(0)! >= 20;
    });
    const [again] = await taken(subscription, 1);
    expect(again!.id).toBe(leases[1]!.id);
    await world.publish(driver, stream, 'new');
    expect((await taken(subscription, 1))[0]!.fields![3]).toBe('new');
  });

  test('take no room from new messages, however many of them wait for hours', async () => {
    await world.publish(driver, stream, ...Array<string>(20).fill('x'.repeat(10_000)));
    const before = await world.subscribe(driver, stream);
    const leases = await taken(before, 20);
    await putOff(
      leases,
      leases.map(() => 3_000_000),
    );
    await before.close();
    const room = 10_000;
    const narrow = world.driver({ retryTopicAfter: 50, maxBufferedBytes: room });
    const subscription = await world.subscribe(narrow, stream);
    // One answer of the broker brings more than that.
    await until('some of them wait in memory', async () => {
      expect(await subscription.pull(1)).toEqual([]);
      return parkedOf(subscription) > 2 * room;
    });
    // A fetch that has begun before may bring the first one.
    for (const value of ['new', 'newer', 'newest']) {
      await world.publish(driver, stream, value);
      const [lease] = await taken(subscription, 1);
      expect(lease!.fields![3]).toBe(value);
      await acknowledge([lease!]);
    }
  });

  const parkedOf = (subscription: Subscription): number =>
    (subscription as KafkaSubscription)['readings'].all.reduce(
      (sum, { parkedBytes }) => sum + parkedBytes,
      0,
    );

  test('come in the order in which they are due', async () => {
    const delays = [900, 300, 600, 100, 700, 200];
    await world.publish(driver, stream, ...delays.map(String));
    const subscription = await world.subscribe(driver, stream);
    await putOff(await taken(subscription, delays.length), delays);
    const again = await taken(subscription, delays.length);
    const order = again.map(({ fields }) => Number(fields![3]));
    expect(order).toEqual(delays.toSorted((a, b) => a - b));
  });

  test('survive that all consumers end, and come to another one', async () => {
    await world.publish(driver, stream, 'a', 'b');
    const subscription = await world.subscribe(driver, stream);
    const [first, second] = await taken(subscription, 2);
    await putOff([first!], [300]);
    await driver.source.settle([{ lease: second!, settlement: ack }]);
    await subscription.stop();
    await subscription.close();
    await driver.source.close();

    driver = world.driver({ retryTopicAfter: 50 });
    const later = await world.subscribe(driver, stream, { consumer: 'later' });
    const [again] = await taken(later, 1);
    expect(again).toMatchObject({ id: first!.id, attempt: 2 });
    await acknowledge([again!]);
    expect(await later.pull(1)).toEqual([]);
  });

  test('have the record as it was, also as dead letters', async () => {
    await server.createTopic(stream);
    const headers = { bytes: NO_TEXT, twice: ['1', '2'] };
    await world.send(
      world.topic(stream),
      { key: NO_TEXT, value: null, headers },
      { key: null, value: NO_TEXT },
    );
    const subscription = await world.subscribe(driver, stream);
    const leases = await taken(subscription, 2);
    const fields = leases.map((lease) => [...lease.fields!]);
    await putOff(leases, [60, 60]);
    const again = await taken(subscription, 2);
    expect(again.map((lease) => lease.fields)).toEqual(fields);
    for (const lease of again) {
      const record = recordFor(lease, 'g', 'c');
      await driver.source.settle([{ lease, settlement: deadLetter('unrecoverable'), record }]);
    }
    const letters = await world.read(`${world.topic(stream)}.dlq`, 2);
    expect(letters.map(({ key, value }) => [key, value])).toEqual([
      [NO_TEXT, null],
      [null, NO_TEXT],
    ]);
    const names = Object.keys(letters[0]!.headers!).filter((name) => !name.startsWith('streams-'));
    expect(names).toEqual(['bytes', 'twice']);
    expect(Object.keys(letters[0]!.headers!).some((name) => name.includes('retry'))).toBe(false);
  });

  test('stay where they are below the limit, in place, and where there is to be no topic', async () => {
    const none = world.driver({ retryTopicAfter: false });
    await world.publish(driver, stream, 'a', 'b');
    const subscription = await world.subscribe(driver, stream);
    const [a, b] = await taken(subscription, 2);
    const outcomes = await driver.source.settle([
      { lease: a!, settlement: retry(50) },
      { lease: b!, settlement: { ...retry(10_000), inPlace: true } },
    ]);
    expect(outcomes).toEqual(['settled', 'settled']);
    await subscription.close();
    const other = await world.subscribe(none, stream, { group: 'other' });
    const [lease] = await taken(other, 1);
    expect(await none.source.settle([{ lease: lease!, settlement: retry(10_000) }])).toEqual([
      'settled',
    ]);
    const topics = (await server.admin.listTopics()).filter((topic) =>
      topic.startsWith(world.topic(stream)),
    );
    expect(topics).toEqual([world.topic(stream)]);
  });

  test('of other programs are passed over', async () => {
    await world.publish(driver, stream, 'a');
    const subscription = await world.subscribe(driver, stream);
    await putOff(await taken(subscription, 1), [60]);
    await world.send(retries(), { value: 'x', partition: 0 }, { value: null, partition: 0 });
    await world.publish(driver, stream, 'b');
    const leases = await taken(subscription, 2);
    expect(new Set(leases.map(({ fields }) => fields![3]))).toEqual(new Set(['a', 'b']));
    await putOff(leases, [60, 60]);
    await acknowledge(await taken(subscription, 2));
    await until('all retries are done', async () => {
      const [, ...high] = [0, ...(await server.admin.fetchTopicOffsets(retries()))];
      const ends = high.map((one) => [one.partition, Number(one.high)] as const);
      const floor = await floors(retries(), `g/${retries()}`);
      return ends.every(([partition, end]) => end === 0 || floor.get(partition)! >= end);
    });
  });

  test('are deleted once the group has settled them, at the latest when its consumer leaves', async () => {
    await world.publish(driver, stream, 'a', 'b', 'c');
    const subscription = await world.subscribe(driver, stream);
    const [a, b, c] = await taken(subscription, 3);
    await putOff([a!, b!, c!], [60, 60, 60_000]);
    await acknowledge(await taken(subscription, 2));
    await subscription.close();
    const low = async (): Promise<number> => {
      const offsets = await server.admin.fetchTopicOffsets(retries());
      return Number(offsets.find(({ partition }) => partition === 0)?.low);
    };
    // Up to the one that still waits.
    await until('they are deleted', async () => (await low()) === 2, undefined, low);
  });

  test('that were settled are to be deleted soon', async () => {
    const soon = vi.fn<() => void>();
    const trims = vi.spyOn(Retries.prototype, 'trimOf');
    onTestFinished(() => trims.mockRestore());
    trims.mockReturnValue({ soon, now: async () => undefined });
    await world.publish(driver, stream, 'a');
    const subscription = await world.subscribe(driver, stream);
    await putOff(await taken(subscription, 1), [60]);
    const leases = await taken(subscription, 1);
    // Once where the topic is found, once where the run was counted.
    const before = soon.mock.calls.length;
    expect(before).toBeGreaterThan(1);
    await acknowledge(leases);
    await until('the settlement is committed', () => soon.mock.calls.length > before);
  });
});
