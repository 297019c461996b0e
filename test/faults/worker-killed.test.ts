import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { SOURCE_SCENES } from './support/scenes.js';
import {
  COUNT,
  IDLE_TIMEOUT,
  RECLAIM_INTERVAL,
  SLACK,
  type WorkerScene,
} from './support/worker-scene.js';

/** Holds so much that taking it over bit by bit would be noticed. */
const VICTIM = { concurrency: 100, work: 40 };
const KILLS = 4;
/** Fewer of Kafka, which has to wait for each takeover. */
const countOn = (server: string): number => (server === 'Kafka' ? COUNT / 2 : COUNT);

let scene: WorkerScene;
afterEach(() => scene.close());

describe.each(SOURCE_SCENES)('%s', (server, open) => {
  it('loses nothing when workers are killed while others go on', { timeout: 60_000 }, async () => {
    scene = await open();
    const survivor = await scene.worker('survivor');
    const kills: { at: number; pending: string[] }[] = [];
    for (let kill = 1; kill <= KILLS; kill++) {
      // A portion for each, as on a slow machine a worker may take longer to start than all would.
      const victim = await scene.worker(`victim-${kill}`, VICTIM);
      const flowing = scene.flow(countOn(server) / KILLS);
      await until('the victim holds some', async () => (await scene.pending(victim)).length >= 10);
      await victim.kill();
      kills.push({ at: Date.now(), pending: await scene.pending(victim) });
      await flowing;
      // Else the next victim may get them with their partitions, and what has died twice runs one at a time.
      if (server === 'Kafka') await untilHandled(kills.at(-1)!.pending);
    }
    await scene.untilDone();

    const unsettled = new Set(kills.flatMap(({ pending }) => pending));
    const twice = scene.duplicates();
    expect(twice.filter((id) => !unsettled.has(id))).toEqual([]);
    for (const { pending } of kills) expect(pending.length).toBeGreaterThan(0);
    const takeovers = kills.map(({ at, pending }) => lastHandled(pending) - at);
    console.log(
      `${server}: ${KILLS} workers killed: ${countOn(server)} handled, ${unsettled.size} taken over, ${twice.length} handled twice, ` +
        `taken over and handled after ${takeovers.join(', ')} ms`,
    );
    expect(Math.max(...takeovers)).toBeLessThan(IDLE_TIMEOUT + RECLAIM_INTERVAL + SLACK);
    // A partition of Kafka is taken over as a whole.
    if (server === 'Kafka')
      expect(survivor.count('partitions-assigned')).toBeGreaterThanOrEqual(KILLS);
    else expect(survivor.has('reclaimed')).toBe(true);
  });
});

const untilHandled = (ids: readonly string[]): Promise<void> =>
  until('all that it held is handled', () => {
    const handled = scene.handled();
    return ids.every((id) => handled.has(id));
  });

function lastHandled(ids: readonly string[]): number {
  const among = new Set(ids);
  const times = scene.notes('handled').filter(({ id }) => among.has(id));
  const first = new Map<string, number>();
  for (const { id, at } of times) first.set(id, Math.min(at, first.get(id) ?? Infinity));
  return Math.max(...first.values());
}
