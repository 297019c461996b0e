import { afterAll, beforeAll, expect, it } from 'vitest';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { BLOCK_TIMEOUT, IDLE_TIMEOUT, RECLAIM_INTERVAL, Scene } from './support/scene.js';
import type { WorkerProcess } from './support/worker-process.js';

/** How long to measure for, ms. */
const WINDOW = 2000;
/** Share of a core that doing nothing may take. */
const LITTLE = 0.1;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.close());

/** Share of a core that a worker uses. */
async function usage(worker: WorkerProcess): Promise<number> {
  const before = await worker.cpu();
  await elapse(WINDOW);
  return ((await worker.cpu()) - before) / WINDOW;
}

/** Calls of each command so far. */
async function calls(): Promise<Map<string, number>> {
  const stats = await scene.client.info('commandstats');
  const lines = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
  return new Map(lines.map(([, name, count]) => [name!, Number(count)]));
}

it(
  'does nothing in a loop when there is nothing to do, and when there is no server',
  { timeout: 40_000 },
  async () => {
    const worker = await scene.worker('worker');
    await scene.flow(1000);
    await scene.untilDone();
    await until('its reader waits', () => scene.readWaits());

    const before = await calls();
    const idle = await usage(worker);
    const after = await calls();
    const looks = WINDOW / (0.75 * RECLAIM_INTERVAL) + 2;
    const most = {
      // Of the reader, and in each look of the caretaker.
      xreadgroup: WINDOW / BLOCK_TIMEOUT + 2 + looks,
      // Of the caretaker, of the scheduler, and to keep the announcement of the consumer.
      evalsha: looks + WINDOW / (0.75 * 1000) + 1 + WINDOW / (IDLE_TIMEOUT / 4) + 1,
    };
    const asked = Object.keys(most).map((name) => (after.get(name) ?? 0) - (before.get(name) ?? 0));

    await scene.server.kill();
    await until('it notices', () => worker.count('disconnected') === 2);
    const down = await usage(worker);
    await scene.server.start();
    await until('it is back', () => worker.count('connected') === 4);
    await scene.flow(100);
    await until('it works', () => scene.handled().size === 1100);

    console.log(
      `Idle for ${WINDOW} ms: ${asked[0]} reads and ${asked[1]} looks, ${percent(idle)} of a core; ` +
        `while Redis is down ${percent(down)}`,
    );
    expect(asked[0]).toBeLessThanOrEqual(most.xreadgroup);
    expect(asked[1]).toBeLessThanOrEqual(most.evalsha);
    for (const other of ['xack', 'xpending', 'xclaim', 'xautoclaim', 'eval']) {
      expect((after.get(other) ?? 0) - (before.get(other) ?? 0), other).toBeLessThanOrEqual(
        most.evalsha,
      );
    }
    expect(idle).toBeLessThan(LITTLE);
    expect(down).toBeLessThan(LITTLE);
    expect(worker.count('worker-error')).toBeLessThan(10);
  },
);

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
