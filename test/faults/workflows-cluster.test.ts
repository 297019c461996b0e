import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';
import { WorkerProcess } from './support/worker-process.js';
import { inAllSlots } from '../support/in-all-slots.js';

const COUNT = 100;
const PARTS = 5;
const GROUP = 'workers';

let cluster: TestCluster;
let runtime: StreamsRuntime;
let directory: string;
const workers: WorkerProcess[] = [];
beforeAll(async () => {
  cluster = await startCluster();
  directory = await mkdtemp(join(tmpdir(), 'streams-faults-'));
  runtime = new StreamsRuntime({
    slots: inAllSlots(redis({ cluster: cluster.addresses })),
    group: GROUP,
  });
}, 30_000);
afterAll(async () => {
  await Promise.all(workers.map((one) => one.kill()));
  await runtime.close();
  await cluster.stop();
  await rm(directory, { recursive: true, force: true });
});

async function worker(consumer: string): Promise<WorkerProcess> {
  const options = {
    script: 'workflow-worker.js',
    group: GROUP,
    consumer,
    streams: [],
    work: 8,
    redis: { cluster: cluster.addresses },
    idleTimeout: 900,
    reclaimInterval: 250,
    blockTimeout: 500,
    concurrency: 30,
    maxDeliveries: 20,
  };
  const one = new WorkerProcess(options, directory, () => undefined);
  workers.push(one);
  await one.ready();
  return one;
}

/** All that was ever published to a stream, by workflow and step. */
async function publishedSteps(stream: string): Promise<string[]> {
  const entries = await (await cluster.at(stream)).xrange(stream, '-', '+');
  return entries.map(([, fields]) => {
    const { workflow } = JSON.parse(fields[fields.indexOf('metadata') + 1]!) as {
      workflow: string;
    };
    return workflow.split(' ').slice(0, 2).join(':');
  });
}

it(
  'on a cluster workflows come to their end while workers are killed, each step and each join published once',
  { timeout: 60_000 },
  async () => {
    const homes = await Promise.all(['begin', 'later', 'part', 'joined'].map(masterOf));
    expect(new Set(homes).size).toBeGreaterThan(1);
    const victims = [await worker('a-0'), await worker('b-0')];
    const ids = Array.from({ length: COUNT }, (_, n) => `w${n}`);
    const { workflows } = runtime.chaining;
    const starting = Promise.all(ids.map((id, n) => workflows.start('begin', { n }, { id })));
    const joined = await cluster.at('joined');
    for (const [kills, share] of [0.05, 0.5].entries()) {
      await until(`${share} joined`, async () => (await joined.xlen('joined')) >= share * COUNT);
      await victims[kills]!.kill();
      await worker(`${'ab'[kills]}-1`);
    }
    await starting;
    await until(
      'all are completed',
      async () => {
        const states = await Promise.all(ids.map((id) => workflows.get(id)));
        return states.every((state) => state?.status === 'completed');
      },
      20_000,
    );
    for (const [stream, times] of Object.entries({ begin: 1, later: 1, part: PARTS, joined: 1 })) {
      const steps = await publishedSteps(stream);
      expect(steps).toHaveLength(times * COUNT);
      expect(new Set(steps).size).toBe(times * COUNT);
    }
    for (const [n, id] of ids.entries()) {
      const { steps } = (await workflows.get(id))!;
      expect(steps).toHaveLength(3 + PARTS);
      // 5n + 0 to 5n + 4, added up.
      expect(steps.find(({ event }) => event === 'joined')!.result).toBe(25 * n + 10);
    }
    const effects = new Set(
      workers
        .flatMap(({ notes }) => notes.filter(({ what }) => what === 'handled'))
        .map(({ id }) => id),
    );
    expect(effects.size).toBe((3 + PARTS) * COUNT);
  },
);

const masterOf = async (key: string) => (await cluster.masterOf(key)).id;
