import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Lease } from '../../lib/core/lease.js';
import { ack } from '../../lib/core/settlement.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { GroupAdmin, GroupReport } from '../../lib/ports/group-admin.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { KafkaWorld } from '../support/kafka-world.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { elapse, quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';

const PARTITIONS = 3;
const BEGIN = { startId: '0', createStream: true };

describe('groups of Kafka', needsKafka(), () => {
  let server: TestKafka;
  let world: KafkaWorld;
  let driver: Driver;
  let groups: GroupAdmin;
  let stream: string;
  let group: string;
  let made = 0;
  beforeAll(async () => {
    server = await testKafka();
  });
  afterAll(() => server.cleanup());
  beforeEach(() => {
    world = new KafkaWorld(server);
    driver = world.driver({ topics: { partitions: PARTITIONS } });
    groups = driver.groups!;
    stream = `orders-${++made}`;
    group = `${server.prefix}billing-${made}`;
  });
  afterEach(() => world.close());

  /** Publishes so many messages to each partition. Returns their ids. */
  async function publish(each: number, partitions = PARTITIONS): Promise<string[]> {
    const entries = Array.from({ length: each * partitions }, (_, at) => ({
      stream,
      fields: ['event_type', 'e', 'payload', String(at)],
      partition: at % partitions,
    }));
    const ids = await driver.source.publish(entries);
    return ids.map((id) => {
      if (typeof id !== 'string') throw id;
      return id;
    });
  }

  const subscribe = (options: object = {}, from = driver): Promise<Subscription> =>
    world.subscribe(from, stream, { group, ...options });

  /** Takes so many entries, in the order in which they come. */
  async function take(subscription: Subscription, count: number): Promise<Lease[]> {
    const leases: Lease[] = [];
    await until(`${count} entries came`, async () => {
      leases.push(...(await subscription.pull(count - leases.length)));
      return leases.length >= count;
    });
    return leases;
  }

  const done = async (leases: readonly Lease[], of = driver): Promise<void> => {
    const outcomes = await of.source.settle(leases.map((lease) => ({ lease, settlement: ack })));
    expect(new Set(outcomes)).toEqual(new Set(['settled']));
  };

  const idsOf = (leases: readonly Lease[]): string[] => leases.map(({ id }) => id).sort();

  async function report(name = group): Promise<GroupReport> {
    const [found] = await groups.describe([stream]);
    return found!.groups.find((one) => one.name === name)!;
  }

  const reported = (expected: object): Promise<void> =>
    until(
      `the group is reported as ${JSON.stringify(expected)}`,
      async () => {
        const found = await report();
        return Object.entries(expected).every(
          ([name, value]) =>
            JSON.stringify(found[name as keyof GroupReport]) === JSON.stringify(value),
        );
      },
      5_000,
      async () => JSON.stringify(await report()),
    );

  test('lag is told for each partition and in all, after each message that was published', async () => {
    await groups.create(stream, group, BEGIN);
    for (let round = 1; round <= 5; round++) {
      await publish(1, 2);
      const { lag, pending, partitions } = await report();
      expect({ lag, pending, partitions }).toEqual({
        ...{ lag: 2 * round, pending: 0 },
        partitions: [
          { partition: '0', pending: 0, lag: round },
          { partition: '1', pending: 0, lag: round },
          { partition: '2', pending: 0, lag: 0 },
        ],
      });
    }
  });

  test('while consumers read and others publish, lag and pending add up to what is not settled', async () => {
    await groups.create(stream, group, BEGIN);
    const subscription = await subscribe();
    let published = 0;
    let settled = 0;
    for (let round = 0; round < 10; round++) {
      published += (await publish(5)).length;
      const leases = await take(subscription, 7);
      // Nothing is published, handed out or settled meanwhile.
      await reported({ pending: leases.length, lag: published - settled - leases.length });
      await done(leases);
      settled += leases.length;
    }
    await done(await take(subscription, published - settled));
    await reported({ pending: 0, lag: 0 });
    expect((await report()).consumers).toBe(1);
    expect((await report()).entriesRead).toBe(published);
  });

  test('the oldest entries are told over all partitions, with their ages', async () => {
    await groups.create(stream, group, BEGIN);
    const [id] = await driver.source.publish([
      { stream, fields: ['event_type', 'e', 'payload', '1'], partition: 2 },
    ]);
    await elapse(300);
    await publish(3, 2);
    const before = await report();
    expect(before.oldestUndeliveredId).toBe(id);
    expect(before.oldestUndeliveredAge).toBeGreaterThanOrEqual(300);
    expect(before.oldestUndeliveredAge).toBeLessThan(5_000);
    const subscription = await subscribe();
    const leases = await take(subscription, 7);
    await reported({ oldestPendingId: id, pending: 7, lag: 0 });
    await done(leases.filter((lease) => lease.id === id));
    await reported({ pending: 6 });
    const after = await report();
    expect(after.oldestPendingId).not.toBe(id);
    expect(after.oldestPendingAge).toBeLessThan(before.oldestUndeliveredAge + 5_000);
  });

  test.each([
    ['with consumers that run', true],
    ['without consumers', false],
  ])('moved to the beginning, the end, a time, and behind an id, %s', async (_, isRunning) => {
    const early = await publish(2);
    const first = await subscribe();
    await done(await take(first, early.length));
    await reported({ pending: 0, lag: 0 });
    await elapse(20);
    const time = Date.now();
    await elapse(20);
    const late = await publish(2);
    await done(await take(first, late.length));
    await reported({ pending: 0, lag: 0 });
    if (!isRunning) await first.close();
    let subscription: Subscription | undefined = isRunning ? first : undefined;

    /** What is read after the move, until nothing is left. */
    async function readsAgain(expected: readonly string[]): Promise<void> {
      subscription ??= await subscribe();
      const leases = await take(subscription, expected.length);
      expect(idsOf(leases)).toEqual([...expected].sort());
      expect(new Set(leases.map(({ attempt }) => attempt))).toEqual(new Set([1]));
      await done(leases);
      await reported({ pending: 0, lag: 0 });
      expect(await subscription.pull(10)).toEqual([]);
      if (isRunning) return;
      await subscription.close();
      subscription = undefined;
    }

    await groups.setPosition(stream, group, '0');
    expect((await report()).lag).toBe(early.length + late.length);
    await readsAgain([...early, ...late]);
    await groups.setPositionAt!(stream, group, time);
    expect((await report()).lag).toBe(late.length);
    await readsAgain(late);
    await groups.setPosition(stream, group, '1-0');
    await readsAgain(['1-1', '1-2', '1-3']);
    await groups.setPosition(stream, group, '0');
    await groups.setPosition(stream, group, '$');
    expect((await report()).lag).toBe(0);
    await readsAgain(await publish(1));
  });

  test('moved to the end under load: what is in hand goes on, what is behind it is skipped', async () => {
    await publish(20);
    const subscription = await subscribe();
    const inHand = await take(subscription, 5);
    await groups.setPosition(stream, group, '$');
    await reported({ pending: 5, lag: 0 });
    // The consumer has followed: the mark is in what it has committed.
    await quiet(300);
    expect(await subscription.pull(100)).toEqual([]);
    await done(inHand);
    await reported({ pending: 0, lag: 0 });
    const later = await publish(1);
    expect(idsOf(await take(subscription, later.length))).toEqual([...later].sort());
  });

  test('what was in hand when the group moved on is not lost with its consumer', async () => {
    await publish(20);
    const before = world.driver({ sessionTimeout: 1_000 });
    const first = await subscribe({ idleTimeout: 1_000 }, before);
    const inHand = await take(first, 5);
    await reported({ pending: 5 });
    await before.source.close();
    await groups.setPosition(stream, group, '$');
    const second = await subscribe({ consumer: 'other' });
    expect(idsOf(await take(second, inHand.length))).toEqual(idsOf(inHand));
    expect(await second.pull(100)).toEqual([]);
  });

  test('a group that begins at the end skips nothing of a partition that is added later', async () => {
    await publish(2);
    await groups.create(stream, group, { ...BEGIN, startId: '$' });
    const topic = world.topic(stream);
    await server.admin.createPartitions({ topicPartitions: [{ topic, count: PARTITIONS + 1 }] });
    await world.send(topic, { partition: PARTITIONS, value: 'before it is known', headers: {} });
    await reported({ lag: 1 });
    const subscription = await subscribe({ startId: '$' });
    const [lease] = await take(subscription, 1);
    expect(lease!.id).toBe(`${PARTITIONS}-0`);
    await done([lease!]);
    await reported({ lag: 0, pending: 0 });
  });

  test('partitions that are added while consumers run are read from their beginning', async () => {
    const quick = world.driver({ topics: { partitions: PARTITIONS }, metadataMaxAge: 300 });
    await publish(1);
    const subscription = await subscribe({}, quick);
    await done(await take(subscription, PARTITIONS), quick);
    const topic = world.topic(stream);
    await server.admin.createPartitions({ topicPartitions: [{ topic, count: PARTITIONS + 2 }] });
    await world.send(topic, { partition: PARTITIONS + 1, value: 'new', headers: {} });
    const [lease] = await take(subscription, 1);
    expect(lease!.id).toBe(`${PARTITIONS + 1}-0`);
  });

  test('a group that was deleted and created again begins anew, and its consumers with it', async () => {
    const unreadable = world.record('stream-unreadable');
    const ids = await publish(2);
    const subscription = await subscribe();
    const leases = await take(subscription, 4);
    await groups.delete(stream, group);
    await until('the consumer has left', async () => unreadable.length === 1);
    await done(leases.slice(0, 1));
    expect((await groups.describe([stream]))[0]!.groups).toEqual([]);
    await groups.create(stream, group, BEGIN);
    const again = await take(subscription, ids.length);
    expect(idsOf(again)).toEqual([...ids].sort());
    expect(new Set(again.map(({ attempt }) => attempt))).toEqual(new Set([1]));
    await done(again);
    await reported({ pending: 0, lag: 0 });
    expect(unreadable).toHaveLength(1);
  });

  test('consumers that start at the same moment make a group once, and skip nothing', async () => {
    await publish(1);
    const drivers = Array.from({ length: 3 }, () =>
      world.driver({ topics: { partitions: PARTITIONS } }),
    );
    const subscriptions = await Promise.all(
      drivers.map((one, at) => subscribe({ startId: '$', consumer: `c${at}` }, one)),
    );
    const later = await publish(3);
    const seen: string[] = [];
    await until('all entries came', async () => {
      const pulled = await Promise.all(subscriptions.map((one) => one.pull(10)));
      seen.push(...pulled.flat().map(({ id }) => id));
      return seen.length >= later.length;
    });
    expect(seen.sort()).toEqual([...later].sort());
    await until('each has a part', async () => (await report()).consumers === 3);
  });

  test('a group of another program is one, where it is named in the same way', async () => {
    await publish(2);
    const consumer = server.client.consumer({ groupId: `${group}/${world.topic(stream)}` });
    await consumer.connect();
    await consumer.subscribe({ topic: world.topic(stream), fromBeginning: true });
    let seen = 0;
    await consumer.run({ autoCommitThreshold: 1, eachMessage: async () => void seen++ });
    await until('all were read', async () => seen === 2 * PARTITIONS);
    await consumer.disconnect();
    await reported({ lag: 0, pending: 0, consumers: 0 });
    expect(await groups.create(stream, group, BEGIN)).toBe(false);
    await groups.setPosition(stream, group, '2-0');
    const subscription = await subscribe();
    expect(idsOf(await take(subscription, 1))).toEqual(['2-1']);
  });

  test('an id of a partition that the stream does not have is refused', async () => {
    await groups.create(stream, group, BEGIN);
    await expect(groups.setPosition(stream, group, '7-0')).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining('partition 7'),
    });
  });

  test('many groups on many streams are told in one call', async () => {
    const streams = Array.from({ length: 5 }, (_, at) => `${stream}-${at}`);
    const names = Array.from({ length: 40 }, (_, at) => `${group}-${at}`);
    for (const one of streams) {
      await groups.create(one, names[0]!, BEGIN);
      await Promise.all(names.map((name) => groups.create(one, name, BEGIN)));
    }
    const reports = await groups.describe(streams);
    for (const one of reports) {
      expect(one!.groups.map(({ name }) => name).sort()).toEqual([...names].sort());
    }
  }, 60_000);
});
