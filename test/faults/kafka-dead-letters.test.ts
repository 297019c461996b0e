import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Driver } from '../../lib/ports/driver.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { KafkaWorld } from '../support/kafka-world.js';
import { guard } from '../support/redis-process.js';
import { until } from '../support/until.js';

const COUNT = 10_000;
const KILLS = 3;
const SCRIPT = fileURLToPath(new URL('support/kafka-redriver.js', import.meta.url));

describe(
  'dead letters of Kafka, where processes that redrive them are killed',
  needsKafka(),
  () => {
    let server: TestKafka;
    let world: KafkaWorld;
    let driver: Driver;
    const stream = 'orders';
    beforeAll(async () => {
      server = await testKafka();
    });
    afterAll(() => server?.cleanup());
    beforeEach(() => {
      world = new KafkaWorld(server);
      driver = world.driver();
    });
    afterEach(() => world.close());

    async function put(count: number): Promise<void> {
      for (let from = 0; from < count; from += 500) {
        const puts = Array.from({ length: 500 }, (_, at) =>
          driver.deadLetters!.put(
            {
              ...{ stream, id: `0-${from + at}`, group: 'billing', consumer: 'c', attempts: 3 },
              ...{ reason: 'unrecoverable', publishedAt: '2026-01-01T00:00:00.000Z' },
              deadLetteredAt: '2026-01-02T00:00:00.000Z',
            },
            ['event_type', 'e', 'payload', 'x'.repeat(200)],
          ),
        );
        await Promise.all(puts);
      }
    }

    async function left(): Promise<number> {
      let count = 0;
      let after: string | undefined;
      do {
        const page = await driver.deadLetters!.list(stream, 1000, after);
        count += page.items.length;
        after = page.next;
      } while (after !== undefined);
      return count;
    }

    /** Rises with each page of dead letters that is moved. */
    async function noted(): Promise<number> {
      const topic = `${world.topic(stream)}.dlq.removed`;
      const [found] = await server.admin.fetchTopicOffsets(topic);
      return Number(found!.high);
    }

    function redriver(): ChildProcess {
      const { brokers, prefix: keyPrefix } = server;
      const child = fork(SCRIPT, [JSON.stringify({ brokers, keyPrefix, stream })], {
        execArgv: [],
      });
      const watcher = guard(child);
      child.once('exit', () => watcher.kill());
      return child;
    }

    test('each moves once', { timeout: 120_000 }, async () => {
      await server.createTopic(stream);
      await put(COUNT + 500);
      // Makes the topic of notes, too.
      await driver.deadLetters!.purge(stream, {
        ids: Array.from({ length: 500 }, (_, at) => `0-${at}`),
      });
      const standing: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        const before = await noted();
        const child = redriver();
        const ended = once(child, 'exit');
        await until('a page has moved', async () => (await noted()) > before, 30_000);
        child.kill('SIGKILL');
        await ended;
        standing.push(await left());
      }
      const last = [redriver(), redriver()];
      const ends = last.map((child) => once(child, 'exit'));
      const moved = last.map(
        (child) =>
          new Promise<number>((resolve) => {
            child.on('message', (told: { moved?: number }) => {
              if (told.moved !== undefined) resolve(told.moved);
            });
          }),
      );
      const counts = await Promise.all(moved);
      await Promise.all(ends);
      expect(counts[0]! + counts[1]!).toBe(standing.at(-1));
      expect(await left()).toBe(0);

      const subscription = await world.subscribe(driver, stream, { group: 'billing' });
      const seen = new Map<string, number>();
      for (let left = COUNT; left > 0;) {
        const leases = await world.take(subscription, Math.min(left, 200));
        for (const { id } of leases) seen.set(id, (seen.get(id) ?? 0) + 1);
        left -= leases.length;
        const outcomes = await driver.source.settle(
          leases.map((lease) => ({ lease, settlement: { kind: 'ack' } })),
        );
        expect(outcomes).toEqual(leases.map(() => 'settled'));
      }
      expect(await subscription.pull(1)).toEqual([]);
      expect(seen.size).toBe(COUNT);
      console.log(`Left after each of ${KILLS} kills of ${COUNT}: ${standing.join(', ')}`);
      // A redrive that was killed has left some, or the test says nothing.
      expect(standing.at(-1)).toBeGreaterThan(0);
    });
  },
);
