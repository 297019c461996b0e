import { afterAll, beforeAll, expect, it } from 'vitest';
import { IDLE_TIMEOUT, RECLAIM_INTERVAL, Scene, SLACK, type Payload } from './support/scene.js';
import { until } from '../support/until.js';

/** Goes on from before the worker is frozen until after it has learned what happened meanwhile. */
const LONG = 4500;
const LONG_RUNS = 20;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.close());

it('takes over from a frozen worker, which does no harm when it wakes up', { timeout: 40_000 }, async () => {
  const frozen = await scene.worker('frozen');
  const long = await scene.publish(Array.from({ length: LONG_RUNS }, (_, index) => longRun(index)));
  await until('they run', () => frozen.notes.length === LONG_RUNS);
  const survivor = await scene.worker('survivor');
  const flowing = scene.flow();
  await scene.untilHandled(2000);

  frozen.signal('SIGSTOP');
  const frozenAt = Date.now();
  const held = await scene.pending(frozen);
  await until('all is taken over', async () => (await scene.pending(frozen)).length === 0);
  const takenOverAfter = Date.now() - frozenAt;
  frozen.signal('SIGCONT');
  const awakeAt = Date.now();
  await flowing;
  await scene.flow(1000);
  await scene.untilDone();

  const twice = scene.duplicates();
  console.log(
    `A worker frozen: ${scene.handled().size} handled, ${held.length} taken over after ${takenOverAfter} ms, ` +
      `${twice.length} handled twice`,
  );
  expect(takenOverAfter).toBeLessThan(IDLE_TIMEOUT + RECLAIM_INTERVAL + SLACK);
  expect(twice.filter((id) => !held.includes(id))).toEqual([]);
  // Those of its runs that were under way hear that they are on their own, and settle nothing.
  expect(idsOf('aborted', 'frozen')).toEqual(long.sort());
  expect(idsOf('lost', 'frozen')).toEqual(expect.arrayContaining(long));
  expect(scene.notes('dead-lettered')).toEqual([]);
  expect(idsOf('handled', 'survivor')).toEqual(expect.arrayContaining(long));
  // It needs no restart.
  const after = frozen.notes.filter(({ what, at, id }) => what === 'handled' && at > awakeAt && !held.includes(id));
  expect(after.length).toBeGreaterThan(100);
  expect(survivor.count('worker-error')).toBe(0);
});

/** Half of them fail for good where they are frozen, which must not count any more. */
function longRun(index: number): Payload {
  return index % 2 > 0 ? { ms: LONG } : { ms: LONG, failsIn: 'frozen' };
}

function idsOf(what: string, worker: string): string[] {
  const notes = scene.notes(what).filter((note) => note.worker === worker);
  return notes.map(({ id }) => id).sort();
}
