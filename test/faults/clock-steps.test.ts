import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ALL_SCENES } from './support/scenes.js';
import { IDLE_TIMEOUT, RECLAIM_INTERVAL, SLACK, type WorkerScene } from './support/worker-scene.js';
import { until } from '../support/until.js';

/** Runs for several times the idle timeout, ms. */
const LONG = { ms: 5000 };
const MAX_HOLD = 60_000;
/** How long nothing is taken over after a reconnection, ms. */
const OWNERS_RETURN = 2500;

let scene: WorkerScene;
afterEach(() => scene.close());

describe.each(ALL_SCENES)('%s', (server, open) => {
  beforeEach(async () => {
    scene = await open();
  });

  describe.each([
    ['back by 2 minutes', -120_000],
    ['forward beyond maxHold', 2 * MAX_HOLD],
  ])('the time is set %s', (_, step) => {
    it('and no message that runs is taken over, or run twice', async () => {
      const worker = await scene.worker('stepped', { maxHold: MAX_HOLD });
      const ids = await scene.publish(Array(10).fill(LONG));
      await until('they run', () => worker.notes.length === ids.length);
      const other = await scene.worker('other', { maxHold: MAX_HOLD });
      worker.stepTime(step);
      other.stepTime(step);
      await scene.untilDone(ids);
      expect(scene.duplicates()).toEqual([]);
      expect(other.notes).toEqual([]);
      expect(worker.notes.filter(({ what }) => what === 'handled')).toHaveLength(ids.length);
    });

    it('and a survivor takes over from a dead worker in time', async () => {
      const survivor = await scene.worker('survivor', { concurrency: 1 });
      const connected = survivor.count('connected');
      await scene.cut();
      await until('it is back', () => survivor.count('connected') >= 2 * connected);
      survivor.stepTime(step);
      const dead = await scene.worker('dead');
      const ids = await scene.publish(Array(20).fill({ msIn: { dead: 60_000 } }));
      await until('both run some', () => scene.notes('started').length >= ids.length - 1);
      const held = await scene.pending(dead);
      await dead.kill();
      const killedAt = performance.now();
      await scene.untilDone(ids);
      const after = performance.now() - killedAt;
      console.log(
        `${server}: ${held.length} entries of a dead worker handled after ${Math.round(after)} ms`,
      );
      expect(held.length).toBeGreaterThan(0);
      expect(after).toBeLessThan(OWNERS_RETURN + IDLE_TIMEOUT + RECLAIM_INTERVAL + 2 * SLACK);
    });
  });
});
