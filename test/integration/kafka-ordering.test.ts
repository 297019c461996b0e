import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { ack } from '../../lib/core/settlement.js';
import { kafka } from '../../lib/drivers/kafka/kafka.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { needsKafka, testKafka, type TestKafka } from '../support/kafka.js';
import { work } from '../support/passing-time.js';
import { until } from '../support/until.js';

const KEYS = Array.from({ length: 12 }, (_, n) => `k${n}`);
const PER_KEY = 30;
/** Of each key every seventh message fails in its first run. */
const FAILING = 7;

interface Step {
  readonly k: string;
  readonly n: number;
}

interface Run extends Step {
  readonly by: string;
  readonly failed: boolean;
}

describe('orderBy on Kafka', needsKafka(), () => {
  let server: TestKafka;
  beforeAll(async () => {
    server = await testKafka();
  });
  afterAll(() => server?.cleanup());

  it('holds over retries, and while partitions go to a consumer that joins', async () => {
    await server.createTopic('steps', 3);
    const runs: Run[] = [];
    const one = await consumer('one', runs);
    const publishing = publish(one, 0, PER_KEY / 2);
    const two = await consumer('two', runs);
    await publishing;
    await publish(two, PER_KEY / 2, PER_KEY);
    const done = (): number => runs.filter(({ failed }) => !failed).length;
    await until('all are done', () => done() >= KEYS.length * PER_KEY, 15_000, done);
    await Promise.all([one.close(), two.close()]);

    expect(new Set(runs.map(({ by }) => by))).toEqual(new Set(['one', 'two']));
    for (const key of KEYS) {
      const ofKey = runs.filter(({ k }) => k === key);
      const expected = Array.from({ length: PER_KEY }, (_, n) => (fails(n) ? [n, n] : [n])).flat();
      expect(ofKey.map(({ n }) => n)).toEqual(expected);
    }
  });

  async function consumer(name: string, runs: Run[]): Promise<StreamsRuntime> {
    const runtime = new StreamsRuntime({
      slots: { messageSource: kafka({ brokers: server.brokers }) },
      keyPrefix: server.prefix,
      group: 'g',
      consumer: name,
      concurrency: 10,
      backoff: { delay: 50, jitter: 0 },
    });
    onTestFinished(() => runtime.close());
    await runtime.start([
      {
        name: 'Steps',
        events: ['steps'],
        options: { orderBy: 'k' },
        invoke: async ({ message, attempt }) => {
          const { k, n } = message.payload as Step;
          await work(5);
          const failed = attempt === 1 && fails(n);
          runs.push({ k, n, by: name, failed });
          if (failed) throw new Error('asked to fail');
          return ack;
        },
      },
    ]);
    return runtime;
  }
});

const fails = (n: number): boolean => n % FAILING === 0;

/** Publishes the messages of all keys, from one number to below another. */
async function publish({ producer }: StreamsRuntime, from: number, to: number): Promise<void> {
  for (let n = from; n < to; n++)
    await producer.publishBatch(
      KEYS.map((k) => ({ eventType: 'steps', payload: { k, n } satisfies Step, key: k })),
    );
}
