import { afterEach, describe, expect, it } from 'vitest';
import { SOURCE_SCENES } from './support/scenes.js';
import {
  COUNT,
  IDLE_TIMEOUT,
  RECLAIM_INTERVAL,
  SLACK,
  type Payload,
  type WorkerScene,
} from './support/worker-scene.js';
import { until } from '../support/until.js';

/** Goes on from before the worker is frozen until after it has learned what happened meanwhile. */
const LONG = 12_000;
const LONG_RUNS = 20;
/** Some are under way at any time. They would have ended while the worker is frozen, and fail when it wakes up. */
const SHORT: Payload = { ms: 400, failsLate: true };

let scene: WorkerScene;
afterEach(() => scene.close());

describe.each(SOURCE_SCENES)('%s', (server, open) => {
  it(
    'takes over from a frozen worker, which does no harm when it wakes up',
    { timeout: 90_000 },
    async () => {
      scene = await open();
      const frozen = await scene.worker('frozen');
      const long = await scene.publish(
        Array.from({ length: LONG_RUNS }, (_, index) => longRun(index)),
      );
      await until('they run', () => frozen.notes.length === LONG_RUNS);
      const survivor = await scene.worker('survivor');
      const flowing = scene.publish(
        Array.from({ length: COUNT }, (_, index) => (index % 40 === 0 ? SHORT : {})),
      );
      await scene.untilHandled(2000);

      expect(scene.notes('dead-lettered'), 'the long runs go on').toEqual([]);
      frozen.signal('SIGSTOP');
      const frozenAt = Date.now();
      const held = await scene.mayHold(frozen);
      await until('all is taken over', async () => (await scene.pending(frozen)).length === 0);
      const takenOverAfter = Date.now() - frozenAt;
      frozen.signal('SIGCONT');
      const awakeAt = Date.now();
      const short = (await flowing).filter((_, index) => index % 40 === 0);
      await scene.flow(1000);
      await scene.untilDone();

      const twice = scene.duplicates();
      console.log(
        `${server}: a worker frozen: ${scene.handled().size} handled, ${held.length} taken over after ${takenOverAfter} ms, ` +
          `${twice.length} handled twice`,
      );
      expect(takenOverAfter).toBeLessThan(IDLE_TIMEOUT + RECLAIM_INTERVAL + SLACK);
      expect(twice.filter((id) => !held.includes(id))).toEqual([]);
      // What failed at once was told that it is not its own any more.
      expect(common(idsOf('lost', 'frozen'), short).length).toBeGreaterThan(0);
      // Runs that were under way hear it themselves, and settle nothing.
      expect(idsOf('aborted', 'frozen')).toEqual(expect.arrayContaining(long));
      expect(idsOf('lost', 'frozen')).toEqual(expect.arrayContaining(long));
      expect(scene.notes('dead-lettered')).toEqual([]);
      expect(idsOf('handled', 'survivor')).toEqual(expect.arrayContaining(long));
      // It needs no restart.
      const after = frozen.notes.filter(
        ({ what, at, id }) => what === 'handled' && at > awakeAt && !held.includes(id),
      );
      expect(after.length).toBeGreaterThan(100);
      expect(survivor.count('worker-error')).toBe(0);
    },
  );
});

/** Half of them fail for good where they are frozen, which must not count any more. */
function longRun(index: number): Payload {
  return index % 2 > 0 ? { ms: LONG } : { ms: LONG, failsIn: 'frozen' };
}

function idsOf(what: string, worker: string): string[] {
  const notes = scene.notes(what).filter((note) => note.worker === worker);
  return notes.map(({ id }) => id);
}

const common = (a: readonly string[], b: readonly string[]): string[] =>
  a.filter((id) => b.includes(id));
