import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { SCENES } from './support/scenes.js';
import type { WorkerScene } from './support/worker-scene.js';
import type { WorkerProcess } from './support/worker-process.js';

const OLD = { handler: { events: ['paid'] }, concurrency: 20, work: 5 };
const NEW = { ...OLD, handler: { events: ['paid', 'shipped'] } };
/** Long enough for a process to be started again on a slow machine. */
const IDLE = { idleTimeout: 4000 };
const CHUNK = 50;

let scene: WorkerScene;
afterEach(() => scene.close());

/** As many of both types, at a steady pace, until it is stopped: a process takes its time to start. */
function flow(): () => Promise<void> {
  let flows = true;
  const flowing = flowWhile(() => flows);
  return () => {
    flows = false;
    return flowing;
  };
}

async function flowWhile(goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    await scene.publish(
      Array.from({ length: CHUNK }, (_, n) => ({ eventType: n % 2 ? 'shipped' : 'paid' })),
    );
  }
}

/** Resolves when a process has handled something. */
const takesPart = (worker: WorkerProcess): Promise<void> =>
  until('it takes part', () => worker.notes.some(({ what }) => what === 'handled'));

const badly = (): string[] =>
  ['filtered', 'dead-lettered'].flatMap((what) =>
    scene.notes(what).map(({ id }) => `${what} ${id}`),
  );

describe.each(SCENES)('%s', (server, open) => {
  beforeEach(async () => {
    scene = await open();
  });

  it(
    'old and new processes beside each other, killed one after the other',
    { timeout: 60_000 },
    async () => {
      const [, newer] = await Promise.all([
        scene.worker('old-1', { ...OLD, ...IDLE, maxDeliveries: 2 }),
        scene.worker('new-1', { ...NEW, ...IDLE, maxDeliveries: 2 }),
      ]);
      const stop = flow();
      await scene.untilHandled(500);
      const second = await scene.worker('new-2', { ...NEW, ...IDLE, maxDeliveries: 2 });
      await newer.kill();
      await takesPart(second);
      const last = await scene.worker('old-2', { ...OLD, ...IDLE, maxDeliveries: 2 });
      await scene.workers[0]!.kill();
      await takesPart(last);
      await stop();
      await scene.untilDone(scene.published, 40_000);
      expect(badly()).toEqual([]);
      expect(scene.notes('handed-over').length).toBeGreaterThan(0);
      console.log(
        `${server}: ${scene.published.length} messages, ${scene.notes('handed-over').length} handed over, ` +
          `${scene.duplicates().length} handled twice after two kills`,
      );
    },
  );

  it(
    'the only process that handles a type is killed and started again',
    { timeout: 60_000 },
    async () => {
      await scene.worker('old', { ...OLD, ...IDLE });
      const first = await scene.worker('new', { ...NEW, ...IDLE });
      const stop = flow();
      await scene.untilHandled(300);
      await first.kill();
      await takesPart(await scene.worker('new', { ...NEW, ...IDLE }));
      await stop();
      await scene.untilDone(scene.published, 40_000);
      expect(badly()).toEqual([]);
    },
  );

  it(
    'a receiver that is killed as soon as entries are handed to it loses none of them',
    { timeout: 60_000 },
    async () => {
      const paid = { handler: { events: ['paid'] }, ...IDLE, maxDeliveries: 2 };
      const shipped = { ...paid, handler: { events: ['shipped'] } };
      await scene.worker('sender', paid);
      // One run at a time, which takes long: what is handed to it waits there.
      const receiver = await scene.worker('receiver', { ...shipped, concurrency: 1, work: 2000 });
      await scene.publish(Array(200).fill({ eventType: 'shipped' }));
      const handed = () =>
        new Set(
          scene.notes('handed-over').flatMap(({ worker, id }) => (worker === 'sender' ? id : [])),
        );
      await until('entries were handed over', () => handed().size > 0);
      await receiver.kill();
      await scene.worker('heir', shipped);
      await scene.untilDone(scene.published, 40_000);
      expect(badly()).toEqual([]);
      console.log(
        `${server}: ${handed().size} handed over, ${scene.duplicates().length} handled twice after a kill`,
      );
      // Of what was handed over only the message that ran when the process was killed has used up a run.
      const second = scene
        .notes('handled')
        .filter(({ id, attempt }) => handed().has(id) && attempt > 1);
      expect(second.length).toBeLessThanOrEqual(1);
    },
  );
});
