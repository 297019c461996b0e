import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Producer } from 'kafkajs';
import type { KafkaOptions } from '../../lib/drivers/kafka/connection/kafka.options.js';
import type { Lease } from '../../lib/core/lease.js';
import type { KafkaLease } from '../../lib/drivers/kafka/partitions/kafka.lease.js';
import { decodeMetadata } from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import type { SubscribeOptions } from '../../lib/ports/subscription.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { KafkaReader } from '../support/kafka-reader.js';
import { until } from '../support/until.js';

describe('reading from Kafka', needsKafka(), () => {
  let broker: TestKafka;
  let producer: Producer;
  let readers: KafkaReader[] = [];

  beforeEach(async () => {
    broker = await testKafka();
    producer = broker.client.producer({ idempotent: true });
    await producer.connect();
  });
  afterEach(async () => {
    await Promise.all(readers.map((reader) => reader.close()));
    readers = [];
    await producer.disconnect();
    await broker.cleanup();
  });

  const reader = (
    subscribing: Partial<SubscribeOptions> = {},
    options: KafkaOptions = {},
  ): Promise<KafkaReader> => {
    const made = new KafkaReader(
      { brokers: broker.brokers, ...options },
      broker.prefix,
      subscribing,
    );
    readers.push(made);
    return made.open();
  };
  const topic = () => `${broker.prefix}orders`;
  const send = (partition: number, count: number, value = 'x') =>
    producer.send({
      topic: topic(),
      messages: Array.from({ length: count }, (_, at) => ({ partition, value: `${value}${at}` })),
    });
  const committed = async () => {
    const groupId = `${broker.prefix}shop/${topic()}`;
    const [found] = await broker.admin.fetchOffsets({ groupId, topics: [topic()] });
    return found!.partitions.map(({ offset }) => Number(offset));
  };

  test('hands out each message once while members come and go under load', async () => {
    await broker.createTopic('orders', 6);
    const all: KafkaReader[] = [];
    const first = (await reader()).run(20);
    all.push(first);
    let sent = 0;
    const load = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        await Promise.all([0, 1, 2, 3, 4, 5].map((partition) => send(partition, 10)));
        sent += 60;
      }
    };
    const counted = () => all.reduce((sum, { settled }) => sum + settled.length, 0);
    await load(5);
    const [second] = await Promise.all([reader({ consumer: 'two' }), load(5)]);
    all.push(second.run(20));
    const [third] = await Promise.all([reader({ consumer: 'three' }), load(5)]);
    all.push(third.run(20));
    await until('the third has a share', async () => {
      await load(1);
      return third.settled.length > 0;
    });
    await Promise.all([first.close(), load(5)]);
    await until('all is settled', () => counted() === sent);
    const settled = all.flatMap((one) => one.settled);
    expect(new Set(settled).size).toBe(sent);
    for (const one of all) expectOrder(one.ids);
    await until('all is committed', async () => {
      return (await committed()).reduce((sum, offset) => sum + offset, 0) === sent;
    });
  }, 60_000);

  /** Ids come in order within each partition. */
  function expectOrder(ids: readonly string[]): void {
    const last = new Map<string, number>();
    for (const id of ids) {
      const [partition, offset] = id.split('-') as [string, string];
      expect(Number(offset)).toBeGreaterThan(last.get(partition) ?? -1);
      last.set(partition, Number(offset));
    }
  }

  test('leaves a partition with its owner while something of it is in hand', async () => {
    await broker.createTopic('orders', 2);
    await send(0, 1);
    await send(1, 1);
    const first = await reader();
    await until('both messages are in hand', async () => {
      await first.pull();
      return first.handed.length === 2;
    });
    const second = (await reader({ consumer: 'two' })).run();
    await send(0, 1);
    await send(1, 1);
    // One partition stays, and is read on. The other one is not handed out to anyone.
    await until('the one that stays is read', async () => {
      await first.pull();
      return first.handed.length === 3;
    });
    expect(second.handed).toEqual([]);
    await first.acknowledge(first.handed);
    await until('the other one has moved', () => second.settled.length === 1);
    expect(new Set([...first.ids, ...second.ids]).size).toBe(4);
  });

  test('gives partitions of a stream away while those of another one are in hand', async () => {
    await broker.createTopic('orders', 2);
    await broker.createTopic('bills', 2);
    const first = await reader({ streams: ['orders', 'bills'] });
    await send(0, 1);
    await send(1, 1);
    await until('both messages are in hand', async () => {
      await first.pull();
      return first.handed.length === 2;
    });
    await reader({ consumer: 'two' });
    const isLeaving = (lease: Lease) => (lease as KafkaLease).state.isDraining;
    await until('one of them is to go', () => first.handed.some(isLeaving));
    await reader({ consumer: 'three', streams: ['bills'] });
    const revoked = () =>
      first.told.filter(({ name }) => name === 'partitions-revoked').map(({ event }) => event);
    await until('one of the other stream has gone', () => revoked().length > 0);
    expect(revoked()).toMatchObject([{ stream: 'bills' }]);
    expect(first.handed.filter(isLeaving)).toHaveLength(1);
  });

  test('takes what a member had that has vanished, with the count of its runs', async () => {
    await broker.createTopic('orders', 1);
    await send(0, 3);
    const first = await reader({ idleTimeout: 500 });
    await until('the messages are in hand', async () => (await first.pull()).length > 0);
    await first.acknowledge(first.handed.slice(1, 2));
    await until('that is committed', async () => {
      const groupId = `${broker.prefix}shop/${topic()}`;
      const [found] = await broker.admin.fetchOffsets({ groupId, topics: [topic()] });
      const { offset, metadata } = found!.partitions[0]!;
      return [...decodeMetadata(Number(offset), metadata ?? '').done].length === 1;
    });
    await first.vanish();
    const second = await reader({ idleTimeout: 500, consumer: 'two' });
    await until('it has what was not settled', async () => {
      await second.pull();
      return second.handed.length === 2;
    });
    expect(second.handed.map(({ id, attempt, charged }) => [id, attempt, charged])).toEqual([
      ['0-0', 1, false],
      ['0-2', 1, false],
    ]);
  });

  test('reads the partitions by which a topic was raised, from their beginning', async () => {
    await broker.createTopic('orders', 1);
    const one = (await reader({ startId: '$' })).run();
    await broker.admin.createPartitions({
      topicPartitions: [{ topic: topic(), count: 3 }],
    });
    await until('the producer can send', () =>
      send(2, 5).then(
        () => true,
        () => false,
      ),
    );
    await until('all is read', () => one.settled.length >= 5);
    expect(one.ids[0]).toBe('2-0');
  });

  test('waits for a topic that is missing, and skips nothing of it', async () => {
    const one = (await reader({ startId: '$' })).run();
    await broker.createTopic('orders', 1);
    await send(0, 3);
    await until('all is read', () => one.settled.length === 3);
    expect(one.count('stream-unreadable')).toBe(0);
  });

  test('reads a topic from its beginning that was deleted and made again', async () => {
    await broker.createTopic('orders', 1);
    await send(0, 5);
    const one = (await reader()).run();
    await until('all is read', () => one.settled.length === 5);
    await broker.admin.deleteTopics({ topics: [topic()] });
    await until('the member has noticed', () => one.count('partitions-revoked') === 1);
    await broker.createTopic('orders', 1);
    await until('the producer can send', () =>
      send(0, 3).then(
        () => true,
        () => false,
      ),
    );
    await until('all is read', () => one.settled.length >= 8);
    expect(one.ids.slice(5, 8)).toEqual(['0-0', '0-1', '0-2']);
  });

  test('tells how many messages were deleted before it read them', async () => {
    await broker.createTopic('orders', 1);
    const one = await reader();
    await one.close();
    await send(0, 10);
    await broker.admin.deleteTopicRecords({
      topic: topic(),
      partitions: [{ partition: 0, offset: '7' }],
    });
    const two = (await reader()).run();
    await until('the rest is read', () => two.settled.length === 3);
    expect(two.ids).toEqual(['0-7', '0-8', '0-9']);
    expect(two.told).toContainEqual({
      name: 'messages-lost',
      event: expect.objectContaining({ stream: 'orders', count: 7, why: 'deleted' }),
    });
  });

  test('reads no more than it may keep, and goes on when there is room', async () => {
    await broker.createTopic('orders', 1);
    const value = 'x'.repeat(50_000);
    for (let round = 0; round < 10; round++) await send(0, 10, value);
    const one = await reader({}, { maxBufferedBytes: 200_000 });
    const before = process.memoryUsage().arrayBuffers;
    const few = await one.pull(1);
    expect(few).toHaveLength(1);
    await one.pull(100);
    // One answer of the broker, of half a megabyte, and nothing more until something is settled.
    expect(one.handed.length).toBeLessThan(25);
    expect(await one.pull(100)).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
    await one.acknowledge(one.handed);
    one.run();
    await until('all is read', () => one.settled.length === 100);
  });

  test('reads on past a message whose handler never returns, and holds back only its floor', async () => {
    await broker.createTopic('orders', 2);
    await send(0, 100);
    await send(1, 100);
    const one = await reader();
    const stuck: string[] = [];
    await until('all others are settled', async () => {
      const leases = await one.pull();
      stuck.push(...leases.map(({ id }) => id).filter((id) => id === '0-3'));
      await one.acknowledge(leases.filter(({ id }) => id !== '0-3'));
      return one.settled.length === 199;
    });
    expect(stuck).toEqual(['0-3']);
    await until('the floors are committed', async () => {
      const [blocked, free] = await committed();
      return blocked === 3 && free === 100;
    });
  });

  test('stops handing out a stream that is not watched, and skips nothing of it', async () => {
    await broker.createTopic('orders', 1);
    await broker.createTopic('bills', 1);
    await send(0, 5);
    const one = await reader({ streams: ['orders', 'bills'] });
    await until('orders are read', async () => (await one.pull(2)).length > 0);
    one.subscription.watch(new Set(['bills']));
    expect(await one.pull()).toEqual([]);
    one.subscription.watch(new Set(['orders', 'bills']));
    await until('the rest is read', async () => {
      await one.pull();
      return one.handed.length === 5;
    });
    expect(one.ids).toEqual(['0-0', '0-1', '0-2', '0-3', '0-4']);
  });

  test('gives back what it has taken and not started when it is released', async () => {
    await broker.createTopic('orders', 1);
    await send(0, 3);
    const one = await reader();
    await until('the messages are in hand', async () => (await one.pull()).length > 0);
    await one.driver.source.settle(
      one.handed.map((lease) => ({ lease, settlement: { kind: 'release' as const } })),
    );
    await one.close();
    const two = await reader({ consumer: 'two' });
    await until('they come again', async () => (await two.pull()).length > 0);
    expect(two.handed.map(({ id, attempt }) => [id, attempt])).toEqual([
      ['0-0', 0],
      ['0-1', 0],
      ['0-2', 0],
    ]);
  });

  test('keeps the partitions of a static member that is started again', async () => {
    await broker.createTopic('orders', 2);
    const first = await reader({}, { instanceId: 'pod-1' });
    const second = (await reader({ consumer: 'two' }, { instanceId: 'pod-2' })).run();
    await until('each has one', () => second.count('partitions-assigned') > 0);
    const before = second.told.length;
    await first.close();
    const again = (await reader({}, { instanceId: 'pod-1' })).run();
    await send(0, 5);
    await send(1, 5);
    await until('both read', () => again.settled.length === 5 && second.settled.length === 5);
    expect(second.told.slice(before)).toEqual([]);
  });

  test('refuses a session that the brokers do not take', async () => {
    await broker.createTopic('orders', 1);
    await expect(reader({ idleTimeout: 50 })).rejects.toThrow(/sessionTimeout/);
  });
});
