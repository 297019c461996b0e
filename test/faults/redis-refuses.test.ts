import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ServerOutOfMemoryError } from '../../lib/core/errors/server.errors.js';
import { until } from '../support/until.js';
import { COUNT, Scene, SLACK, STREAM } from './support/scene.js';
import type { WorkerProcess } from './support/worker-process.js';

let scene: Scene;
afterEach(() => scene.close());

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
/** Loads a command in so many microseconds, and answers its clients every thousand commands. */
const SLOW_TO_LOAD = ['--key-load-delay', '150'];

describe('a server that still loads its data', () => {
  beforeEach(async () => {
    scene = await Scene.open(DURABLE);
  });

  it('is waited for', { timeout: 40_000 }, async () => {
    const workers = [await scene.worker('a'), await scene.worker('b')];
    const flowing = scene.flow();
    await scene.untilHandled(COUNT / 2);
    await scene.server.kill();
    const startedAt = Date.now();
    await scene.server.restart({ args: [...DURABLE, ...SLOW_TO_LOAD] });
    const loadedAt = Date.now();
    await until('both are connected', () =>
      workers.every((worker) => connected(worker).length === 4),
    );
    const backAfter = Math.max(...workers.flatMap(connected)) - loadedAt;
    const open = await scene.pending();
    await flowing;
    await scene.untilDone();
    console.log(
      `LOADING for ${loadedAt - startedAt} ms: ${scene.handled().size} handled, back ${backAfter} ms after the server was, ${scene.duplicates().length} handled twice`,
    );
    expect(scene.duplicates().filter((id) => !open.includes(id))).toEqual([]);
    expect(loadedAt - startedAt).toBeGreaterThan(1000);
    expect(backAfter).toBeLessThan(500 + SLACK);
    for (const worker of workers) expect(worker.count('worker-error')).toBeLessThan(20);
  });

  /** When its connections became ready. */
  function connected(worker: WorkerProcess): number[] {
    return worker.told.filter(({ name }) => name === 'connected').map(({ at }) => at);
  }
});

describe('a server at maxmemory', () => {
  beforeEach(async () => {
    scene = await Scene.open();
  });

  it(
    'refuses publishers, who are told so, while consumers go on settling',
    { timeout: 40_000 },
    async () => {
      const options = { backoff: { type: 'fixed', delay: 100 }, maxDeliveries: 2 } as const;
      // Half of what fails is a dead letter in the end, and has to wait for memory.
      const payloads = Array.from({ length: COUNT }, (_, index) => ({
        fails: index % 500 === 0 ? 1 + ((index / 500) % 2) : 0,
      }));
      await scene.worker('a', options);
      await scene.worker('b', options);
      const flowing = scene.publish(payloads);
      await until('some are published', () => scene.published.length >= COUNT / 4);
      await scene.client.config('SET', 'maxmemory', '1mb');
      const before = await scene.client.xlen(`{${STREAM}}:dead-letter`);
      await until('publishing is refused', () => scene.refusals.length > 0);
      const accepted = scene.published.length;
      await until(
        'all that was accepted is handled',
        () => scene.handled().size + dead() >= accepted,
      );
      await until('and settled, but for dead letters', async () => (await scene.left()) <= dead());
      const waiting = await scene.left();
      const during = await scene.client.xlen(`{${STREAM}}:dead-letter`);
      await scene.client.config('SET', 'maxmemory', '0');
      await flowing;
      const failed = scene.published.filter((_, index) => payloads[index]!.fails === 2);
      await scene.untilDone(scene.published.filter((id) => !failed.includes(id)));

      const letters = await scene.client.xlen(`{${STREAM}}:dead-letter`);
      console.log(
        `maxmemory: ${scene.refusals.length} publishes refused and repeated, ${waiting} dead letters waited for memory, ` +
          `${scene.handled().size} handled, ${letters} dead letters, ${scene.duplicates().length} handled twice`,
      );
      expect(scene.refusals.every((error) => error instanceof ServerOutOfMemoryError)).toBe(true);
      expect(during).toBe(before);
      expect(letters).toBe(failed.length);
      expect(scene.duplicates()).toEqual([]);
      expect(Math.max(...scene.notes('started').map(({ attempt }) => attempt))).toBe(2);

      function dead(): number {
        return scene
          .notes('started')
          .filter(({ attempt, id }) => attempt === 2 && !scene.handled().has(id)).length;
      }
    },
  );
});
