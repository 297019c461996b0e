import 'reflect-metadata';
import { Controller, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientKafka,
  Ctx,
  EventPattern,
  KafkaContext,
  Payload,
  Transport,
} from '@nestjs/microservices';
import type { Message } from 'kafkajs';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { jsonCodec } from '../../lib/core/codecs/json.codec.js';
import { ack } from '../../lib/core/settlement.js';
import type { Lease } from '../../lib/core/lease.js';
import { partitionOfKey } from '../../lib/drivers/kafka/publishing/partition-of.js';
import { needsJava, produceWithJava } from '../support/java-producer.js';
import { KafkaWorld } from '../support/kafka-world.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { appModule } from '../support/nest-app.js';
import { until } from '../support/until.js';

/** What a handler would get. */
const readOf = (lease: Lease) => {
  const fields = lease.fields!;
  const { payload, metadata = {} } = jsonCodec.decode(fields);
  return { eventType: jsonCodec.eventType(fields, lease.stream), payload, metadata };
};

describe('records of other programs on Kafka', needsKafka(), () => {
  let kafka: TestKafka;
  let world: KafkaWorld;
  let streams = 0;
  beforeAll(async () => {
    kafka = await testKafka();
    world = new KafkaWorld(kafka);
  }, 60_000);
  afterAll(async () => {
    await world?.close();
    await kafka?.cleanup();
  });

  const unique = (): string => `stream-${++streams}`;

  /** Reads so many messages of a stream, in one group, and settles them. */
  async function read(stream: string, count: number): Promise<Lease[]> {
    const driver = world.driver();
    const subscription = await world.subscribe(driver, stream);
    const leases = await world.take(subscription, count);
    await driver.source.settle(leases.map((lease) => ({ lease, settlement: ack })));
    return leases;
  }

  /** What another program sends with the client library, as a handler gets it. */
  async function sent(...messages: Message[]): Promise<Lease[]> {
    const stream = unique();
    await kafka.createTopic(stream);
    await world.send(world.topic(stream), ...messages);
    return read(stream, messages.length);
  }

  test("events of Nest's own transport are read, with their headers as metadata", async () => {
    const stream = unique();
    const topic = await kafka.createTopic(stream);
    const client = new ClientKafka({
      client: { brokers: kafka.brokers, logCreator: () => () => undefined },
      producerOnlyMode: true,
    });
    onTestFinished(() => client.close());
    await firstValueFrom(client.emit(topic, { id: 7, who: 'ü' }));
    await firstValueFrom(client.emit(topic, { key: 'c-1', value: [1], headers: { trace: 'a-b' } }));
    const [plain, keyed] = await read(stream, 2);
    expect(readOf(plain!)).toEqual({
      eventType: stream,
      payload: { id: 7, who: 'ü' },
      metadata: {},
    });
    expect(readOf(keyed!)).toEqual({ eventType: stream, payload: [1], metadata: { trace: 'a-b' } });
    expect([plain!.key, keyed!.key]).toEqual([undefined, 'c-1']);
  });

  test("requests of Nest's own transport are read as messages", async () => {
    const stream = unique();
    const topic = await kafka.createTopic(stream);
    await kafka.createTopic(`${stream}.reply`);
    const client = new ClientKafka({
      client: { brokers: kafka.brokers, logCreator: () => () => undefined },
      consumer: { groupId: `${topic}-replies`, maxWaitTimeInMs: 50 },
    });
    onTestFinished(() => client.close());
    client.subscribeToResponseOf(topic);
    await client.connect();
    const request = client.send(topic, 'question').subscribe({ error: () => undefined });
    onTestFinished(() => request.unsubscribe());
    const stored = await world.read(topic, 1);
    const id = String(stored[0]!.headers!['kafka_correlationId']);
    // It is a text and no JSON: such a payload needs the raw codec.
    const [lease] = await read(stream, 1);
    expect(lease!.fields).toEqual([
      ...['event_type', stream, 'payload', 'question', 'metadata'],
      expect.stringContaining(`"kafka_correlationId":"${id}"`) as string,
    ]);
  });

  test("handlers of Nest's own transport read what is published, and its headers", async () => {
    const events = unique();
    await kafka.createTopic(events);
    const seen: unknown[] = [];
    @Controller()
    class Handlers {
      @EventPattern(world.topic(events))
      event(@Payload() payload: unknown, @Ctx() context?: unknown): void {
        if (!(context instanceof KafkaContext)) return;
        const { key, headers } = context.getMessage();
        seen.push({ payload, key: String(key), headers });
      }
    }
    const app = (await NestFactory.createMicroservice(appModule({ controllers: [Handlers] }), {
      logger: false,
      transport: Transport.KAFKA,
      options: {
        client: { brokers: kafka.brokers, logCreator: () => () => undefined },
        consumer: { groupId: world.topic('nest'), maxWaitTimeInMs: 50 },
        subscribe: { fromBeginning: true },
      },
    })) as INestMicroservice;
    onTestFinished(() => app.close());
    const metadata = { trace: '1' };
    const fields = jsonCodec.encode({
      ...{ stream: events, eventType: 'order.paid', payload: { total: 5 }, metadata },
    });
    await world.driver().source.publish([{ stream: events, key: 'c-9', fields }]);
    await app.listen();
    await until('it is handled', () => seen.length > 0);
    expect(seen).toEqual([
      {
        payload: { total: 5 },
        key: 'c-9',
        // Nest parses what looks like JSON.
        headers: { event_type: 'order.paid', metadata },
      },
    ]);
  });

  test('JSON as Spring writes it is read, with the type of the class as metadata', async () => {
    const id = Buffer.from('com.example.OrderCreated');
    const [lease] = await sent({
      key: 'o-1',
      value: '{"orderId":"o-1","total":12.5}',
      headers: { __TypeId__: id, spring_json_header_types: '{"tries":"java.lang.Integer"}' },
    });
    expect(readOf(lease!)).toEqual({
      eventType: lease!.stream,
      payload: { orderId: 'o-1', total: 12.5 },
      metadata: {
        __TypeId__: 'com.example.OrderCreated',
        spring_json_header_types: '{"tries":"java.lang.Integer"}',
      },
    });
  });

  test('tombstones, missing keys, empty keys and keys of bytes are read', async () => {
    const leases = await sent(
      { key: 'gone', value: null },
      { value: '1' },
      { key: '', value: '2' },
      { key: Buffer.of(0, 0, 0, 0), value: '3' },
      { key: Buffer.of(0xff, 0x41), value: '4' },
    );
    expect(leases.map((lease) => readOf(lease).payload)).toEqual([null, 1, 2, 3, 4]);
    expect(leases.map(({ key }) => key)).toEqual([
      ...['gone', undefined, '', '\0\0\0\0', '\udcffA'],
    ]);
    // Such a text is the same key again.
    expect(partitionOfKey('\udcffA', 1000)).toBe(partitionOfKey(leases[4]!.key!, 1000));
  });

  test('headers of bytes, headers that repeat, and huge ones are read', async () => {
    const huge = 'h'.repeat(300_000);
    const [lease] = await sent({
      value: '{}',
      headers: { bytes: Buffer.of(0xff, 0, 1), twice: ['a', 'b'], huge, '3': 'number', empty: '' },
    });
    expect(readOf(lease!).metadata).toEqual({ twice: 'b', huge, '3': 'number', empty: '' });
  });

  test('values of bytes come as they are', async () => {
    const value = Buffer.of(0xff, 0x00, 0x41);
    const [lease] = await sent({ value });
    expect(lease!.fields).toEqual(['event_type', lease!.stream, 'payload', '\udcff\0A']);
  });

  test('a header event_type names the event, so that one topic can carry several', async () => {
    const leases = await sent(
      { value: '1', headers: { event_type: 'order.created' } },
      { value: '2', headers: { event_type: 'order.paid' } },
    );
    expect(leases.map((lease) => readOf(lease).eventType)).toEqual(['order.created', 'order.paid']);
  });
});

describe('the Java client of Kafka', needsJava(), () => {
  let kafka: TestKafka;
  let world: KafkaWorld;
  beforeAll(async () => {
    kafka = await testKafka();
    world = new KafkaWorld(kafka);
  }, 60_000);
  afterAll(async () => {
    await world?.close();
    await kafka?.cleanup();
  });

  test('batches that it compresses are read, and its keys have the partitions of ours', async () => {
    const streams = ['none', 'gzip', 'snappy', 'lz4', 'zstd'].map((codec) => `java-${codec}`);
    for (const stream of streams) await kafka.createTopic(stream, 3);
    await produceWithJava(
      kafka.brokers,
      300,
      streams.map((stream) => world.topic(stream)),
    );
    const driver = world.driver();
    for (const stream of streams) {
      const subscription = await world.subscribe(driver, stream);
      const leases = await world.take(subscription, 300);
      const numbers = leases.map((lease) => (readOf(lease).payload as { number: number }).number);
      expect(new Set(numbers).size, stream).toBe(300);
      for (const lease of leases) {
        expect(readOf(lease).metadata).toEqual({ __TypeId__: 'com.example.Order' });
        expect(Number(lease.partition)).toBe(partitionOfKey(lease.key!, 3));
      }
    }
  }, 60_000);
});
