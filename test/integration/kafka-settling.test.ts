import type { Consumer } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { isPermanent } from '../../lib/core/errors/streams.error.js';
import { KAFKA_OPTIONS } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { Coordinators } from '../../lib/drivers/kafka/connection/kafkajs/access/coordinators.js';
import { KafkajsAccess } from '../../lib/drivers/kafka/connection/kafkajs/access/kafkajs-access.js';
import { KafkajsProducers } from '../../lib/drivers/kafka/connection/kafkajs/producing/kafkajs-producers.js';
import { KafkajsTransaction } from '../../lib/drivers/kafka/connection/kafkajs/producing/kafkajs-transaction.js';
import type { KafkaLease } from '../../lib/drivers/kafka/partitions/kafka.lease.js';
import { decodeMetadata } from '../../lib/drivers/kafka/partitions/offset-metadata.js';
import { KafkaSettling } from '../../lib/drivers/kafka/settling/settling.js';
import { TransactionalProducers } from '../../lib/drivers/kafka/settling/transactional-producers.js';
import { PartitionBroker, PartitionOwner, waiting } from '../support/kafka-owner.js';
import { startKafka, type KafkaServer } from '../support/kafka-server.js';
import { needsOwnKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/until.js';

/** Of the owner: it is told soon that the network is broken. */
const REQUEST_TIMEOUT = 1000;
const TOO_LARGE = 2 * 1024 * 1024;

let proxy: Proxy;
let server: KafkaServer;
let kafka: TestKafka;
let files = 0;

describe('settlements in transactions of Kafka', needsOwnKafka(), () => {
  let from: string;
  let to: string;
  let numbers: string[];
  let reader: Consumer;

  beforeAll(async () => {
    proxy = await startProxy(1);
    server = await startKafka({ advertisedPort: proxy.port });
    proxy.point(server.port);
    kafka = await testKafka([`127.0.0.1:${proxy.port}`]);
  }, 60_000);
  afterAll(async () => {
    await kafka?.cleanup();
    await proxy?.close();
    await server?.stop();
  });

  beforeEach(async () => {
    [from, to] = [`${kafka.prefix}from${++files}`, `${kafka.prefix}to${files}`];
    await kafka.admin.createTopics({
      topics: [
        { topic: from, numPartitions: 1 },
        { topic: to, numPartitions: 1 },
      ],
      waitForLeaders: true,
    });
    numbers = [];
    reader = kafka.client.consumer({ groupId: `${to}-reader`, maxWaitTimeInMs: 50 });
    await reader.connect();
    await reader.subscribe({ topic: to, fromBeginning: true });
    await reader.run({
      eachMessage: async ({ message }) => void numbers.push(String(message.value).slice(0, 10)),
    });
    return () => reader.disconnect();
  });

  /** What the group has committed for the partition. */
  async function groupOffset() {
    const [found] = await kafka.admin.fetchOffsets({ groupId: 'shop/orders', topics: [from] });
    const { offset, metadata } = found!.partitions[0]!;
    return { partition: 0, offset: Math.max(0, Number(offset)), metadata: metadata ?? '' };
  }

  /** An owner of the partition, whose plain commits reach no broker, and its settlements. */
  async function open(offsets = new PartitionBroker(), requestTimeout = REQUEST_TIMEOUT) {
    const options = KAFKA_OPTIONS.complete({
      brokers: kafka.brokers,
      requestTimeout,
    });
    const access = new KafkajsAccess(options, new EventBus());
    const opened = new KafkajsProducers(access, new Coordinators(), options);
    const producers = new TransactionalProducers({ producer: (one) => opened.open(one) });
    const owner = await new PartitionOwner(offsets, false, undefined, producers, from).open();
    const settling = new KafkaSettling({
      ...{ producers, groupOffset, isDeleted: async () => false, retryTopicAfter: false },
      records: {
        outgoing: async (entries) =>
          entries.map(({ fields }) => ({
            ...{ topic: to, partition: 0, key: null, value: fields[0]! },
          })),
        deadLetter: () => Promise.reject(new Error('unused')),
        retry: () => Promise.reject(new Error('unused')),
      },
    });
    const publish = (leases: readonly KafkaLease[], texts: readonly string[]) =>
      settling.settle(
        leases.map((lease, at) => ({
          lease,
          settlement: { kind: 'ack', publish: [{ stream: to, fields: [texts[at]!] }] },
        })),
      );
    return { owner, publish, access };
  }

  const leasesOf = (owner: PartitionOwner, count: number): KafkaLease[] =>
    Array.from({ length: count }, (_, at) => owner.state.lease(waiting(at))!);

  it('commit the offset with what follows, in the order in which it was settled', async () => {
    const { owner, publish, access } = await open();
    const texts = Array.from({ length: 2500 }, (_, n) => String(n));
    const outcomes = await publish(leasesOf(owner, 2500), texts);
    expect(new Set(outcomes)).toEqual(new Set(['settled']));
    const { offset, metadata } = await groupOffset();
    expect(decodeMetadata(offset, metadata)).toMatchObject({ floor: 2500, transaction: 3 });
    await until('all is read', () => numbers.length === 2500);
    expect(numbers).toEqual(texts);
    await access.close();
  });

  it('refuse a record that is too large, and nothing beside it', async () => {
    // A slow answer would be an error that passes.
    const { owner, publish, access } = await open(new PartitionBroker(), 15_000);
    const texts = ['0', '1', 'x'.repeat(TOO_LARGE), '3', '4', '5'];
    const outcomes = await publish(leasesOf(owner, 6), texts);
    expect(outcomes.map((one) => (one instanceof Error ? isPermanent(one) : one))).toEqual([
      ...['settled', 'settled', true, 'settled', 'settled', 'settled'],
    ]);
    await until('the others are read', () => numbers.length === 5);
    expect(numbers).toEqual(['0', '1', '3', '4', '5']);
    await access.close();
  });

  it('of an owner that was fenced in its transaction are not read', async () => {
    const old = await open();
    const leases = leasesOf(old.owner, 2);
    await old.publish([leases[0]!], ['old 0']);
    let next: Awaited<ReturnType<typeof open>> | undefined;
    const original = KafkajsTransaction.prototype.commit;
    const commit = vi
      .spyOn(KafkajsTransaction.prototype, 'commit')
      .mockImplementationOnce(async function (this: KafkajsTransaction) {
        // Its records are sent, and another process takes over.
        next = await open(await takenOver());
        old.owner.die();
        return original.call(this);
      });
    expect(await old.publish([leases[1]!], ['old 1'])).toEqual(['lost']);
    commit.mockRestore();
    const lease = next!.owner.state.lease(waiting(1))!;
    expect(next!.owner.state.isDone(0)).toBe(true);
    expect(await next!.publish([lease], ['new 1'])).toEqual(['settled']);
    await until('both are read', () => numbers.length >= 2);
    expect(numbers).toEqual(['old 0', 'new 1']);
    await Promise.all([old.access.close(), next!.access.close()]);
  });

  /** What the next owner reads. */
  async function takenOver(): Promise<PartitionBroker> {
    const offsets = new PartitionBroker();
    offsets.committed = await groupOffset();
    return offsets;
  }

  it.each([
    ['arrived, and its answer was lost', true],
    ['was lost', false],
  ])('find out what became of a commit that %s', { timeout: 30_000 }, async (_, arrives) => {
    const { owner, publish, access } = await open();
    const leases = leasesOf(owner, 3);
    await publish([leases[0]!], ['0']);
    const original = KafkajsTransaction.prototype.commit;
    const commit = vi
      .spyOn(KafkajsTransaction.prototype, 'commit')
      .mockImplementationOnce(async function (this: KafkajsTransaction) {
        if (!arrives) proxy.stall();
        const cut = arrives ? proxy.cutAtReply().then(() => proxy.stall()) : undefined;
        try {
          await original.call(this);
          throw new Error('The commit has an answer.');
        } finally {
          await cut;
          proxy.cut();
          proxy.resume();
        }
      });
    const [outcome] = await publish([leases[1]!], ['1']);
    commit.mockRestore();
    if (arrives) expect(outcome).toBe('settled');
    else {
      expect(outcome).toMatchObject({ code: 'KAFKA_CONNECTION' });
      expect(await publish([leases[1]!], ['1'])).toEqual(['settled']);
    }
    expect(await publish([leases[2]!], ['2'])).toEqual(['settled']);
    await until('all is read', () => numbers.length >= 3, 20_000);
    expect(numbers).toEqual(['0', '1', '2']);
    await access.close();
  });
});
