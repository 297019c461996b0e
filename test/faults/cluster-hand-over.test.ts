import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import type { SettledEvent } from '../../lib/core/run-events.js';
import { ack } from '../../lib/core/settlement.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { startCluster, type TestCluster } from '../support/redis-cluster.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

const QUICK = { group: 'g', blockTimeout: 300, idleTimeout: 3000, reclaimInterval: 200 };
/** Of each type in each stream. */
const COUNT = 50;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 30_000);
afterAll(() => cluster.stop());

/** A stream at each master. */
async function streamsApart(): Promise<string[]> {
  const found = new Map<string, string>();
  for (let n = 0; found.size < 3; n++) found.set((await cluster.masterOf(`s${n}`)).id, `s${n}`);
  return [...found.values()];
}

/** A process of the group that handles these events of the streams. */
async function start(streams: readonly string[], events: string[]) {
  const runtime = new StreamsRuntime({
    ...QUICK,
    maxDeliveries: 1,
    slots: inAllSlots(redis({ cluster: cluster.addresses })),
  });
  onTestFinished(() => runtime.close());
  const settled: SettledEvent[] = [];
  const ran: string[] = [];
  runtime.events.on('settled', (event) => settled.push(event));
  await runtime.subscribe([
    {
      name: 'T.run',
      events,
      options: { streams },
      invoke: async ({ stream, id, eventType, attempt }) => {
        ran.push(`${eventType} ${stream} ${id} ${attempt}`);
        return ack;
      },
    },
  ]);
  return { runtime, ran, outcomes: () => new Set(settled.map(({ outcome }) => outcome)) };
}

it('on a cluster two consumers of one group each get all of their events, each once and in its first run', async () => {
  const streams = await streamsApart();
  const [x, y] = await Promise.all([start(streams, ['x']), start(streams, ['y'])]);
  const expected: Record<string, string[]> = { x: [], y: [] };
  for (const stream of streams) {
    const entries = Array.from({ length: COUNT }, () => ['x', 'y'])
      .flat()
      .map((eventType) => ({ eventType, payload: 1, stream }));
    const ids = await x.runtime.producer.publishBatch(entries);
    ids.forEach((id, at) => {
      const { eventType } = entries[at]!;
      expected[eventType]!.push(`${eventType} ${stream} ${String(id)} 1`);
    });
  }
  await until('all were handled', () => x.ran.length + y.ran.length >= 6 * COUNT);
  expect(x.ran.toSorted()).toEqual(expected['x']!.toSorted());
  expect(y.ran.toSorted()).toEqual(expected['y']!.toSorted());
  const outcomes = [...x.outcomes(), ...y.outcomes()];
  expect(outcomes).toContain('handed-over');
  for (const bad of ['filtered', 'dead-lettered']) expect(outcomes).not.toContain(bad);
});
