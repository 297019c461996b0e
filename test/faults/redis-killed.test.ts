import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BLOCK_TIMEOUT, IDLE_TIMEOUT, Scene, SLACK, type Payload } from './support/scene.js';
import { until } from '../support/until.js';

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
/** Goes on from before an outage until after it. */
const LONG = 6500;
/** Longest wait between two tries to connect. */
const RECONNECT = 2000;

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open(DURABLE);
});
afterEach(() => scene.close());

describe('a durable server that is killed', () => {
  it('comes back, twice, and nothing is lost', { timeout: 40_000 }, async () => {
    const workers = [await scene.worker('a'), await scene.worker('b')];
    const flowing = scene.flow();
    const open: string[] = [];
    const resumed: number[] = [];
    for (const kill of [1, 2]) {
      await scene.untilHandled(kill * 2500);
      await scene.server.kill();
      await until('the workers notice', () =>
        workers.every((worker) => worker.count('disconnected') === 2 * kill),
      );
      const before = scene.handled().size;
      await scene.server.start();
      const back = Date.now();
      open.push(...(await scene.pending()));
      await scene.untilHandled(before + 500);
      resumed.push(Date.now() - back);
    }
    await flowing;
    await scene.untilDone();

    const twice = scene.duplicates();
    console.log(
      `Redis killed twice: ${scene.handled().size} handled, ${scene.refusals.length} publishes refused and repeated, ` +
        `${open.length} pending across the restarts, ${twice.length} handled twice, back at work after ${resumed.join(', ')} ms`,
    );
    expect(twice.filter((id) => !open.includes(id))).toEqual([]);
    expect(Math.max(...resumed)).toBeLessThan(RECONNECT + BLOCK_TIMEOUT + SLACK);
    expect(await scene.stored()).toEqual(expect.arrayContaining(scene.published));
  });

  it('may stay away for long: runs that go on are not repeated', { timeout: 40_000 }, async () => {
    // Asks in vain several times meanwhile.
    const options = { redis: { url: scene.server.url, commandTimeout: 500 } };
    const workers = [await scene.worker('a', options), await scene.worker('b', options)];
    await scene.publish(Array<Payload>(80).fill({ ms: LONG }));
    await until('all run', () => scene.notes('started').length === 80);
    await scene.server.kill();
    const killedAt = Date.now();
    await until(
      'no heartbeat has come for longer than idleTimeout',
      () => Date.now() - killedAt > 1.5 * IDLE_TIMEOUT,
    );
    await scene.server.start();
    await scene.untilDone();

    const runs = scene.notes('started').length;
    console.log(
      `Redis away for ${1.5 * IDLE_TIMEOUT} ms: 80 runs before, ${runs - 80} after, ${scene.handled().size} handled`,
    );
    expect(runs).toBe(80);
    expect(scene.notes('aborted')).toEqual([]);
    for (const worker of workers) expect(worker.has('reclaimed')).toBe(false);
  });
});
