import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { KAFKA_OPTIONS } from '../../lib/drivers/kafka/connection/kafka.options.js';
import { KafkajsClient } from '../../lib/drivers/kafka/connection/kafkajs/kafkajs-client.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { until } from '../support/until.js';
import { WorkerProcess, type WorkerOptions } from './support/worker-process.js';

const COUNT = 2000;
const SESSION_TIMEOUT = 1500;
const WITHIN = 40_000;
const PARTITIONS = [0, 1, 2];

let kafka: TestKafka;
let directory: string;
let from: string;
let to: string;
let workers: WorkerProcess[];
let client: KafkajsClient;
let reading: Promise<void>[];
let isOver: boolean;

beforeEach(async () => {
  workers = [];
  reading = [];
  isOver = false;
  kafka = await testKafka();
  client = new KafkajsClient(KAFKA_OPTIONS.complete({ brokers: kafka.brokers }), new EventBus());
  directory = await mkdtemp(join(tmpdir(), 'streams-faults-'));
  [from, to] = [`${kafka.prefix}orders`, `${kafka.prefix}made`];
  await kafka.admin.createTopics({
    topics: [
      { topic: from, numPartitions: 2 },
      { topic: to, numPartitions: 3 },
    ],
    waitForLeaders: true,
  });
});
afterEach(async () => {
  for (const worker of workers) worker.signal('SIGCONT');
  await Promise.all(workers.map((worker) => worker.kill()));
  isOver = true;
  await Promise.all(reading);
  await client.close();
  await kafka.cleanup();
  rmSync(directory, { recursive: true });
});

async function worker(
  consumer: string,
  stops?: WorkerOptions['stops'],
  options: Partial<WorkerOptions> = {},
): Promise<WorkerProcess> {
  const made = new WorkerProcess(
    {
      ...{ script: 'kafka-chain-worker.js', consumer, group: `${kafka.prefix}g` },
      ...{ streams: [from, to], work: 2, concurrency: 50, stops },
      ...{ idleTimeout: SESSION_TIMEOUT, reclaimInterval: 300, blockTimeout: 200 },
      // A message may be in hand each time that a worker is killed.
      ...{ maxDeliveries: 20, kafka: { brokers: kafka.brokers } },
      ...options,
    },
    directory,
    () => undefined,
  );
  workers.push(made);
  await made.ready();
  return made;
}

/** Publishes as another program does, a number per message. */
async function publish(payloads: readonly object[]): Promise<void> {
  const producer = kafka.client.producer();
  await producer.connect();
  const messages = payloads.map((payload) => ({
    value: JSON.stringify(payload),
    headers: { event_type: 'order' },
  }));
  for (let at = 0; at < messages.length; at += 500)
    await producer.send({ topic: from, messages: messages.slice(at, at + 500) });
  await producer.disconnect();
}

/**
 * The numbers that readers of the other stream see at read_committed, as they come. The consumer of kafkajs
 * would show some of an aborted transaction where a fetch has several of them.
 */
function read(): { readonly numbers: number[] } {
  const numbers: number[] = [];
  reading.push(...PARTITIONS.map((partition) => follow(partition, numbers)));
  return { numbers };
}

async function follow(partition: number, numbers: number[]): Promise<void> {
  for (let offset = 0; !isOver;) {
    const batch = await client.admin.read(to, partition, offset, 1_000_000);
    for (const { value } of batch.records)
      numbers.push((JSON.parse(String(value)) as { n: number }).n);
    if (batch.next === offset) await pause(20);
    offset = batch.next;
  }
}

/** How many records the other stream has, with those of aborted transactions and the ends of transactions. */
async function written(): Promise<number> {
  const offsets = await client.admin.offsets(to);
  return offsets.reduce((sum, { high }) => sum + high, 0);
}

const numbered = (count: number) => Array.from({ length: count }, (_, n) => ({ n }));

/** Each number once. */
function expectEachOnce(numbers: readonly number[], count = COUNT): void {
  expect(numbers.toSorted((a, b) => a - b)).toEqual(numbered(count).map(({ n }) => n));
}

describe('what follows from messages on Kafka', needsKafka(), () => {
  it(
    'is read once though a worker froze in a transaction, was replaced, and went on',
    { timeout: 90_000 },
    async () => {
      const { numbers: committed } = read();
      const frozen = await worker('frozen', {
        ...{ transaction: 5, when: 'before commit', signal: 'SIGSTOP' },
      });
      await publish(numbered(COUNT));
      await until('it froze', () => frozen.notes.some(({ what }) => what === 'stopped'));
      // These were sent, and the transaction is open.
      const inHand = (await written()) - committed.length;
      const survivor = await worker('survivor');
      await until('all is read', () => committed.length >= COUNT, WITHIN);
      frozen.signal('SIGCONT');
      const before = frozen.notes.length;
      await publish(numbered(COUNT).map(({ n }) => ({ n: COUNT + n })));
      await until('the rest is read', () => committed.length >= 2 * COUNT, WITHIN);
      await until('it takes part again', () => frozen.notes.length > before + 100);
      console.log(
        `Kafka: a worker froze in a transaction, ${inHand} records not read: ${committed.length} read, ` +
          `${await written()} written`,
      );
      expectEachOnce(committed, 2 * COUNT);
      expect(inHand).toBeGreaterThan(0);
      expect(frozen.errors + survivor.errors).toBe('');
    },
  );

  it.each(['before commit', 'after commit'] as const)(
    'is read once though workers are killed %s of their transactions',
    { timeout: 90_000 },
    async (when) => {
      const { numbers: committed } = read();
      await publish(numbered(COUNT));
      for (let life = 1; life <= 4; life++) {
        const victim = await worker(`victim-${life}`, {
          ...{ transaction: 3, when, signal: 'SIGKILL' },
        });
        await victim.ended;
      }
      const survivor = await worker('survivor');
      await until(
        'all is read',
        () => committed.length >= COUNT,
        WITHIN,
        () => committed.length,
      );
      // What would be there twice comes behind it.
      await publish([{ n: COUNT }]);
      await until('the last one is read', () => committed.includes(COUNT), WITHIN);
      console.log(
        `Kafka: four workers killed ${when}: ${committed.length} read, ${await written()} written`,
      );
      expectEachOnce(committed, COUNT + 1);
      expect(survivor.errors).toBe('');
    },
  );

  it('a message that kills its process is the only dead letter', { timeout: 90_000 }, async () => {
    const { numbers: committed } = read();
    const killer = 137;
    await publish(numbered(500).map(({ n }) => ({ n, kills: n === killer })));
    const deaths: string[] = [];
    for (let life = 1; deaths.length < 3; life++) {
      const one = await worker(`victim-${life}`, undefined, { maxDeliveries: 3 });
      const { signal } = await one.ended;
      deaths.push(signal!);
    }
    const survivor = await worker('survivor', undefined, { maxDeliveries: 3 });
    await until(
      'all others are done',
      () => committed.length >= 499,
      WITHIN,
      () => committed.length,
    );
    const given = () => survivor.notes.filter(({ what }) => what === 'settled-dead-lettered');
    await until('one is given up', () => given().length === 1);
    const started = workers.flatMap(({ notes }) =>
      notes.filter(({ what, id }) => what === 'started' && id === given()[0]!.id),
    );
    console.log(
      `Kafka: a killer among 500: ${deaths.length} processes died, innocents ran up to ` +
        `${mostRuns(given()[0]!.id)} times`,
    );
    expect(deaths).toEqual(['SIGKILL', 'SIGKILL', 'SIGKILL']);
    expect(started.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
    expect(committed.toSorted((a, b) => a - b)).toEqual(
      numbered(500).flatMap(({ n }) => (n === killer ? [] : [n])),
    );
    expect(given()[0]!.attempt).toBe(3);
  });
});

/** How often any other message was started. */
function mostRuns(killer: string): number {
  const runs = workers.flatMap(({ notes }) =>
    notes.filter(({ what, id }) => what === 'started' && id !== killer),
  );
  return Math.max(...runs.map(({ attempt }) => attempt));
}
