import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COUNT, GROUP, Scene, STREAM } from './support/scene.js';

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open();
});
afterEach(() => scene.close());

const told = (name: string) =>
  scene.workers
    .flatMap((worker) => worker.told.filter((event) => event.name === name))
    .map(({ event }) => event);

describe('with messages flowing', () => {
  it.each([
    ['FLUSHALL', () => scene.client.flushall()],
    ['DEL of the stream', () => scene.client.del(STREAM)],
  ])(
    '%s loses what it deletes, and nothing after it',
    { timeout: 40_000 },
    async (what, destroy) => {
      await scene.worker('a');
      await scene.worker('b');
      const flowing = scene.flow();
      await scene.untilHandled(COUNT / 2);
      await destroy();
      await flowing;
      const after = await scene.stored();
      await scene.untilDone(after);

      const handled = scene.handled();
      const lost = scene.published.filter((id) => !handled.has(id));
      console.log(
        `${what}: ${handled.size} handled, ${lost.length} deleted unhandled, ${scene.duplicates().length} handled twice`,
      );
      expect(after.length).toBeGreaterThan(1000);
      expect(lost.filter((id) => after.includes(id))).toEqual([]);
      expect(scene.duplicates()).toEqual([]);
      expect(told('group-recreated')).toContainEqual({ stream: STREAM, group: GROUP, from: '0' });
      // Each process tells what it noticed, once.
      expect([1, 2]).toContain(told('data-loss-suspected').length);
      expect(told('stream-unreadable')).toEqual([]);
    },
  );

  it(
    'XGROUP DESTROY repeats no more than what was unsettled when last looked at',
    { timeout: 40_000 },
    async () => {
      await scene.worker('a');
      await scene.worker('b');
      const flowing = scene.flow();
      await scene.untilHandled(COUNT / 2);
      await scene.client.xgroup('DESTROY', STREAM, GROUP);
      await flowing;
      await scene.untilDone();

      const [recreated] = told('group-recreated');
      const from = String(recreated?.['from']);
      const twice = scene.duplicates();
      console.log(
        `XGROUP DESTROY: ${scene.handled().size} handled, ${twice.length} handled twice, resumed behind ${from}`,
      );
      const early = await scene.client.xrange(STREAM, '-', from);
      const settledBefore = new Set(early.map(([id]) => id));
      expect(settledBefore.size).toBeGreaterThan(COUNT / 4);
      expect(twice.filter((id) => settledBefore.has(id))).toEqual([]);
      expect(told('data-loss-suspected')).toEqual([]);
    },
  );

  it('SCRIPT FLUSH is not noticed', { timeout: 40_000 }, async () => {
    const options = { backoff: { type: 'fixed', delay: 50 } } as const;
    await scene.worker('a', options);
    await scene.worker('b', options);
    const flowing = scene.publish(
      Array.from({ length: COUNT }, (_, index) => ({ fails: index % 10 === 0 ? 1 : 0 })),
    );
    for (let mark = 1000; mark <= COUNT - 1000; mark += 500) {
      await scene.untilHandled(mark);
      await scene.client.script('FLUSH');
    }
    await flowing;
    await scene.untilDone();

    const retried = scene.notes('retried').length;
    console.log(
      `SCRIPT FLUSH 17 times: ${scene.handled().size} handled, ${retried} retried, ${scene.duplicates().length} handled twice`,
    );
    expect(retried).toBe(COUNT / 10);
    expect(scene.duplicates()).toEqual([]);
    expect(told('worker-error')).toEqual([]);
  });
});
