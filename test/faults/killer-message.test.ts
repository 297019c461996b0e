import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  GROUP,
  IDLE_TIMEOUT,
  RECLAIM_INTERVAL,
  Scene,
  SLACK,
  STREAM,
  type Payload,
} from './support/scene.js';

const MESSAGES = 1000;
const KILLER = 137;
const MAX_DELIVERIES = 3;
/** Some hundred suspects, each run and settled before the next, ms. */
const ONE_BY_ONE = 8000;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.close());

it('a message that kills its process is the only dead letter', { timeout: 40_000 }, async () => {
  const ids = await scene.publish(
    Array.from({ length: MESSAGES }, (_, index): Payload => ({ kills: index === KILLER })),
  );
  const options = { concurrency: 100, maxDeliveries: MAX_DELIVERIES };
  const deaths: number[] = [];
  const others = ids.filter((_, index) => index !== KILLER);
  const began = Date.now();
  let worker = scene.begin('worker-0', options);
  const supervised = supervise();
  await scene.untilDone(others, 30_000);
  const doneAfter = Date.now() - began;
  stop();
  await supervised;

  const letters = await scene.client.xrange(`{${STREAM}}:dead-letter`, '-', '+');
  const records = letters.map(([, fields]) => JSON.parse(fields[1]!) as Record<string, unknown>);
  const most = Math.max(
    ...scene
      .notes('started')
      .filter(({ id }) => id !== ids[KILLER])
      .map(({ attempt }) => attempt),
  );
  console.log(
    `A killer among ${MESSAGES}: ${deaths.length} processes died, ${scene.handled().size} handled after ${doneAfter} ms, ` +
      `${scene.duplicates().length} twice, innocents ran up to ${most} times`,
  );
  expect(records).toHaveLength(1);
  expect(records[0]).toMatchObject({
    ...{
      stream: STREAM,
      group: GROUP,
      id: ids[KILLER],
      reason: 'crashed',
      attempts: MAX_DELIVERIES,
    },
  });
  expect(deaths).toHaveLength(MAX_DELIVERIES);
  const runs = scene.notes('started').filter(({ id }) => id === ids[KILLER]);
  expect(runs.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(doneAfter).toBeLessThan(
    (IDLE_TIMEOUT + RECLAIM_INTERVAL + SLACK) * MAX_DELIVERIES + ONE_BY_ONE,
  );

  /** Starts the process again each time it dies, as a supervisor does. */
  async function supervise(): Promise<void> {
    for (let life = 1; ; life++) {
      const { signal } = await worker.ended;
      if (stopped || signal !== 'SIGKILL') return;
      deaths.push(Date.now());
      worker = scene.begin(`worker-${life}`, options);
    }
  }
  function stop(): void {
    stopped = true;
    worker.signal('SIGTERM');
  }
});
let stopped = false;
