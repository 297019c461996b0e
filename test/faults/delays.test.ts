import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { DelayedEntry } from '../../lib/ports/delays.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { until } from '../support/until.js';
import { COUNT, Scene, STREAM } from './support/scene.js';

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open(DURABLE);
});
afterEach(() => scene.close());

/** Stores so many, one due after the other within so long, by a process that never promotes. */
async function schedule(count: number, from: number, within: number): Promise<void> {
  const driver = redis({ url: scene.server.url }).open({ events: new EventBus(), keyPrefix: '' });
  const entries = Array.from({ length: count }, (_, n): DelayedEntry => {
    const payload = JSON.stringify({ ms: 0, n });
    return {
      stream: STREAM,
      fields: ['event_type', 'order', 'payload', payload],
      when: { at: from + Math.floor((n / count) * within) },
    };
  });
  const results = await driver.delays!.schedule(entries);
  expect(results.filter((result) => typeof result !== 'string')).toEqual([]);
  await driver.source.close();
}

const promoted = (): Promise<number> => scene.client.xlen(STREAM);

/** The numbers of all that was published, in the order of the stream. */
async function numbers(): Promise<number[]> {
  const entries = await scene.client.xrange(STREAM, '-', '+');
  return entries.map(([, fields]) => (JSON.parse(fields[3]!) as { n: number }).n);
}

const inOrder = Array.from({ length: COUNT }, (_, n) => n);

describe('delayed messages', () => {
  it(
    'are published once each while promoters and the server are killed',
    { timeout: 40_000 },
    async () => {
      const workers = await Promise.all(['a', 'b', 'c'].map((name) => scene.worker(name)));
      await schedule(COUNT, Date.now() + 500, 1500);
      await until('promoting is under way', async () => (await promoted()) > 1500);
      await workers[0]!.kill();
      const killed = await promoted();
      await until('the others go on', async () => (await promoted()) > killed + 1000);
      await scene.server.kill();
      await until('they notice', () => workers[1]!.has('disconnected'));
      await workers[1]!.kill();
      await scene.server.start();
      await scene.worker('d');
      await until('all are published', async () => (await promoted()) >= COUNT);
      await until('nothing waits', async () => (await scene.client.keys('*delayed*')).length === 0);
      expect(killed).toBeLessThan(COUNT);
      expect(await numbers()).toEqual(inOrder);
      await scene.untilDone();
      expect(scene.handled().size).toBe(COUNT);
    },
  );

  it(
    'are published once each where the only promoter is killed, three times',
    { timeout: 40_000 },
    async () => {
      await schedule(COUNT, 0, 0);
      const stopped: number[] = [];
      for (let round = 0; round < 3; round++) {
        const before = await promoted();
        const worker = scene.begin(`w${round}`);
        // In the middle of 20 steps: most of what it had under way is not written yet.
        await until('it promotes', async () => (await promoted()) > before);
        await worker.kill();
        stopped.push(await promoted());
      }
      await scene.worker('last');
      await until('all are published', async () => (await promoted()) >= COUNT);
      console.log(`A lone promoter was killed after ${stopped.join(', ')} of ${COUNT}`);
      expect(stopped[0]).toBeLessThan(COUNT);
      expect(await numbers()).toEqual(inOrder);
      expect(await scene.client.keys('*delayed*')).toEqual([]);
    },
  );
});
