import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { GROUP, Scene, STREAM } from './support/scene.js';

const COUNT = 400;
/** A message may have so many bytes by default. */
const SIZE = 1_000_000;
/** What such a process may take by default, MB. */
const MOST_MB = 200;

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

it.each([0, 10, 50])(
  'a backlog of messages of 1 MB, handled in %i ms, keeps a process small',
  { timeout: 90_000 },
  async (work) => {
    const payload = JSON.stringify({ text: 'x'.repeat(SIZE) });
    for (let at = 0; at < COUNT; at++) {
      await scene.client.xadd(STREAM, '*', 'event_type', 'made', 'payload', payload);
    }
    const options = { script: 'consumer.js', idleTimeout: 30_000, work };
    const worker = await scene.worker('worker', options);
    await until('all are handled', () => worker.count('called') === COUNT, 80_000);
    const pending = async () => (await scene.client.xpending(STREAM, GROUP))[0];
    await until('all are settled', async () => (await pending()) === 0);
    const peaks = worker.told.map(({ event }) => Number(event['peakMb'] ?? 0));
    expect(Math.max(...peaks)).toBeLessThan(MOST_MB);
  },
);
