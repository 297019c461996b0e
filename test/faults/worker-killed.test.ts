import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { COUNT, IDLE_TIMEOUT, RECLAIM_INTERVAL, Scene, SLACK } from './support/scene.js';

/** Holds so much that taking it over bit by bit would be noticed. */
const VICTIM = { concurrency: 100, work: 40 };

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.close());

it('loses nothing when workers are killed while others go on', { timeout: 40_000 }, async () => {
  // Together slower than what comes in, so that there is work for each at any time.
  const survivor = await scene.worker('survivor', { concurrency: 30 });
  let victim = await scene.worker('victim-0', VICTIM);
  const flowing = scene.flow();
  const kills: { at: number; pending: string[] }[] = [];
  for (let kill = 1; kill <= 4; kill++) {
    await scene.untilHandled(kill * 1500);
    await until('it holds entries', async () => (await scene.pending(victim)).length >= 20);
    await victim.kill();
    kills.push({ at: Date.now(), pending: await scene.pending(victim) });
    if (kill < 4) victim = await scene.worker(`victim-${kill}`, VICTIM);
  }
  await flowing;
  await scene.untilDone();

  const unsettled = new Set(kills.flatMap(({ pending }) => pending));
  const twice = scene.duplicates();
  expect(twice.filter((id) => !unsettled.has(id))).toEqual([]);
  for (const { pending } of kills) expect(pending.length).toBeGreaterThan(0);
  const takeovers = kills.map(({ at, pending }) => lastTakenOver(pending) - at);
  console.log(
    `4 workers killed: ${COUNT} handled, ${unsettled.size} taken over, ${twice.length} handled twice, ` +
      `taken over and handled after ${takeovers.join(', ')} ms`,
  );
  expect(Math.max(...takeovers)).toBeLessThan(IDLE_TIMEOUT + RECLAIM_INTERVAL + SLACK);
  expect(survivor.has('reclaimed')).toBe(true);
});

/** When the last of them was handled, but for those that lost two workers, which run one at a time. */
function lastTakenOver(ids: readonly string[]): number {
  const among = new Set(ids);
  const runs = scene.notes('handled').filter(({ id, attempt }) => among.has(id) && attempt === 2);
  return Math.max(...runs.map(({ at }) => at));
}
