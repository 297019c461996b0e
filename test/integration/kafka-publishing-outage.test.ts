import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ConnectionError } from '../../lib/core/errors/connection.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import type { KafkaOptions } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { kafka as kafkaDriver } from '../../lib/drivers/kafka/kafka.driver.js';
import type { MessageSource } from '../../lib/ports/source.js';
import { endOf, recordsIn } from '../support/kafka-records.js';
import { startKafka, type KafkaServer } from '../support/kafka-server.js';
import { needsOwnKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/until.js';

/** Of calls while no broker answers. */
const TIMES = { requestTimeout: 600, connectTimeout: 600 };
/** Calls have their answers within these times, and some for a busy machine. */
const IN_TIME = 600 + 500 + 1500;

const entry = (stream: string, payload: string, key?: string): OutgoingEntry => ({
  stream,
  fields: ['event_type', 'test', 'payload', payload],
  ...(key !== undefined && { key }),
});

const outcomeOf = (result: string | Error): string =>
  result instanceof ConnectionError ? result.outcome : String(result);

describe('publishing to Kafka through outages', needsOwnKafka(), () => {
  let proxy: Proxy;
  let server: KafkaServer;
  let kafka: TestKafka;
  let streams = 0;

  beforeAll(async () => {
    proxy = await startProxy(1);
    server = await startKafka({ advertisedPort: proxy.port });
    proxy.point(server.port);
    kafka = await testKafka([`127.0.0.1:${proxy.port}`]);
  }, 60_000);
  afterEach(() => proxy.point(server.port));
  afterAll(async () => {
    await kafka?.cleanup();
    await proxy?.close();
    await server?.stop();
  });

  const unique = (): string => `stream-${++streams}`;

  function opened(options: KafkaOptions = {}): MessageSource {
    const context = { events: new EventBus(), keyPrefix: kafka.prefix };
    const { source } = kafkaDriver({ brokers: kafka.brokers, ...options }).open(context);
    onTestFinished(() => source.close());
    return source;
  }

  /** Publishes until that succeeds: a broker that has just started takes its time. */
  const stored = (source: MessageSource, one: OutgoingEntry): Promise<void> =>
    until('it is stored', async () => typeof (await source.publish([one]))[0] === 'string');

  test('while no broker is reached, calls fail in time and say that nothing was sent', async () => {
    const stream = unique();
    const source = opened(TIMES);
    await stored(source, entry(stream, 'before'));
    proxy.point(1);
    proxy.cut();
    // This one may have been written to the connection that breaks.
    await source.publish([entry(stream, 'under way')]);
    const began = performance.now();
    const calls = Array.from({ length: 20 }, (_, index) =>
      source.publish([entry(stream, `${index}`)]),
    );
    calls.push(source.publish([entry(unique(), 'to a topic that is missing')]));
    const results = (await Promise.all(calls)).flat();
    expect(performance.now() - began).toBeLessThan(2 * IN_TIME);
    expect(new Set(results.map(outcomeOf))).toEqual(new Set(['not-sent']));
    proxy.point(server.port);
    await stored(source, entry(stream, 'after'));
    const values = (await recordsIn(kafka, kafka.prefix + stream, 2)).map(({ value }) =>
      String(value),
    );
    expect(values).toEqual(['before', 'after']);
  });

  test('a broker that does not answer leaves the outcome unknown, and what follows in order', async () => {
    const stream = unique();
    const source = opened(TIMES);
    await stored(source, entry(stream, 'a'));
    proxy.stall();
    const [lost] = await source.publish([entry(stream, 'b')]);
    expect(outcomeOf(lost!)).toBe('unknown');
    const [next] = await source.publish([entry(stream, 'c')]);
    expect(outcomeOf(next!)).toBe('not-sent');
    proxy.resume();
    await stored(source, entry(stream, 'd'));
    const end = await endOf(kafka, kafka.prefix + stream);
    const values = (await recordsIn(kafka, kafka.prefix + stream, end)).map(({ value }) =>
      String(value),
    );
    expect(values.filter((value) => value !== 'b')).toEqual(['a', 'd']);
  });

  /** Publishes all the time, each number of each key once, until `end` is called. */
  function publishing(source: MessageSource, stream: string) {
    const confirmed: string[] = [];
    const uncertain: string[] = [];
    let ending = false;
    let number = 0;
    const one = async (key: string): Promise<void> => {
      while (!ending) {
        const values = Array.from({ length: 5 }, () => `${key}:${++number}`);
        const results = await source.publish(values.map((value) => entry(stream, value, key)));
        results.forEach((result, index) => {
          if (typeof result === 'string') confirmed.push(values[index]!);
          else if (outcomeOf(result) === 'unknown') uncertain.push(values[index]!);
        });
        if (results.some((result) => result instanceof Error)) await pause(20);
      }
    };
    const running = Promise.all(['a', 'b', 'c', 'd'].map(one));
    return {
      confirmed,
      uncertain,
      async end() {
        ending = true;
        await running;
      },
    };
  }

  /** Nothing that was confirmed is lost, nothing is there twice, and each key is in its order. */
  async function expectOnce(
    topic: string,
    { confirmed, uncertain }: Pick<ReturnType<typeof publishing>, 'confirmed' | 'uncertain'>,
  ): Promise<void> {
    const records = await recordsIn(kafka, topic, await endOf(kafka, topic));
    const values = records.map(({ value }) => String(value));
    expect(new Set(values).size, 'nothing is stored twice').toBe(values.length);
    const stored = new Set(values);
    expect(confirmed.filter((value) => !stored.has(value))).toEqual([]);
    const known = new Set([...confirmed, ...uncertain]);
    expect(values.filter((value) => !known.has(value))).toEqual([]);
    for (const key of ['a', 'b', 'c', 'd']) {
      const numbers = values
        .filter((value) => value.startsWith(key))
        .map((value) => Number(value.slice(2)));
      expect(numbers).toEqual(numbers.toSorted((one, other) => one - other));
    }
  }

  test('connections that break lose nothing, and double nothing', async () => {
    const topic = await kafka.createTopic(unique(), 3);
    const source = opened();
    const load = publishing(source, topic.slice(kafka.prefix.length));
    for (let cut = 0; cut < 15; cut++) {
      const before = load.confirmed.length;
      await until('it goes on', () => load.confirmed.length > before + 20);
      proxy.cut();
    }
    await load.end();
    // There was time to send each again until its outcome was known.
    expect(load.uncertain).toEqual([]);
    await expectOnce(topic, load);
  });

  test('a broker that is killed and started again loses nothing, and doubles nothing', async () => {
    const topic = await kafka.createTopic(unique(), 3);
    const source = opened();
    const load = publishing(source, topic.slice(kafka.prefix.length));
    for (let kill = 0; kill < 2; kill++) {
      const before = load.confirmed.length;
      await until('it goes on', () => load.confirmed.length > before + 100, 30_000);
      await server.kill();
      await server.start();
    }
    const before = load.confirmed.length;
    await until('it goes on', () => load.confirmed.length > before + 100, 30_000);
    await load.end();
    await expectOnce(topic, load);
  }, 90_000);
});
