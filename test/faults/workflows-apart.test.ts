import { afterAll, beforeAll, expect, it } from 'vitest';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import type { Workflows } from '../../lib/workflows/workflows.js';
import { driverWith } from '../support/driver-with.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { GROUP, Scene } from './support/scene.js';
import type { WorkerProcess } from './support/worker-process.js';

const COUNT = 200;
const PARTS = 5;
const DEATHS = 14;
const TIMES = { idleTimeout: 900, reclaimInterval: 250, concurrency: 40, work: 8 };

let scene: Scene;
let apart: RedisServer;
let runtime: StreamsRuntime;
let workflows: Workflows;
beforeAll(async () => {
  [scene, apart] = await Promise.all([Scene.open(), startRedis()]);
  const driver = redis({ url: scene.server.url });
  const store = driverWith(redis({ url: apart.url }), () => ({ workflows: undefined }));
  runtime = new StreamsRuntime({
    slots: { messageSource: driver, stateStore: store, deadLetterQueue: driver },
    group: GROUP,
  });
  ({ workflows } = runtime.chaining);
});
afterAll(async () => {
  await runtime.close();
  await scene.close();
  await apart.stop();
});

/** A worker that dies at one of its writes to the state store. */
const worker = (number: number, diesAt?: number): Promise<WorkerProcess> =>
  scene.worker(`w-${number}`, {
    ...TIMES,
    script: 'workflow-worker.js',
    maxDeliveries: 50,
    apart: { url: apart.url, ...(diesAt && { diesAt, written: number % 2 === 0 }) },
  });

/** All steps that were ever published to a stream: nothing is trimmed. */
async function publishedSteps(stream: string): Promise<string[]> {
  const entries = await scene.client.xrange(stream, '-', '+');
  return entries.map(([, fields]) => {
    const metadata = JSON.parse(fields[fields.indexOf('metadata') + 1]!) as { workflow: string };
    return metadata.workflow.split(' ', 2).join(':');
  });
}

it(
  'workflows whose state is apart from their messages end once each, though workers die between any two writes',
  { timeout: 120_000 },
  async () => {
    const ids = Array.from({ length: COUNT }, (_, n) => `w${n}`);
    const starting = Promise.all(ids.map((id, n) => workflows.start('begin', { n }, { id })));
    // Each dies a little later in its life than the one before: in all parts of a workflow.
    for (let death = 0; death < DEATHS; death++) {
      const dying = await worker(death, 5 + death * 9);
      expect(await dying.ended).toEqual({ code: null, signal: 'SIGKILL' });
    }
    const before = await scene.client.xlen('joined');
    await Promise.all([worker(DEATHS), worker(DEATHS + 1), starting]);
    const ended = async (): Promise<number> => {
      const states = await Promise.all(ids.map((id) => workflows.get(id)));
      return states.filter((state) => state?.status === 'completed').length;
    };
    await until(
      'all have ended',
      async () => (await ended()) === COUNT,
      60_000,
      () => scene.standing(),
    );
    for (const [stream, times] of Object.entries({ begin: 1, later: 1, part: PARTS, joined: 1 })) {
      const steps = await publishedSteps(stream);
      expect(steps).toHaveLength(times * COUNT);
      expect(new Set(steps).size).toBe(times * COUNT);
    }
    for (const [n, id] of ids.entries()) {
      const { steps } = (await workflows.get(id))!;
      // 5n + 0 to 5n + 4, added up.
      expect(steps.find(({ event }) => event === 'joined')!.result).toBe(25 * n + 10);
    }
    console.log(
      `${COUNT} workflows, ${DEATHS} workers died at a write to the state store, ` +
        `${before} joins were published before the last one died`,
    );
  },
);
