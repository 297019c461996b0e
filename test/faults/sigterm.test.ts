import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startProxy, type Proxy } from '../support/proxy.js';
import { until } from '../support/until.js';
import { COUNT, RECLAIM_INTERVAL, Scene, SLACK } from './support/scene.js';

/** So long that nothing is taken over within this test but what was released. */
const IDLE_TIMEOUT = 60_000;
const WORK = 200;
const TIME = { timeout: 40_000 };

let scene: Scene;
let proxy: Proxy;
beforeEach(async () => {
  scene = await Scene.open();
  proxy = await startProxy(scene.server.port);
});
afterEach(async () => {
  await scene.close();
  await proxy.close();
});

/** Somewhat longer than what the shutdown of a hung process may take, ms. */
const GRACE_PERIOD = 15_000;

describe('SIGTERM', () => {
  it('under load hands over what has not started, and loses nothing', TIME, async () => {
    const options = { idleTimeout: IDLE_TIMEOUT };
    // Slow enough to hold entries that it has not started; together slower than what comes in.
    const leaver = await scene.worker('leaver', { ...options, work: WORK, concurrency: 100 });
    await scene.worker('heir', options);
    const flowing = scene.flow();
    await scene.untilHandled(COUNT / 3);
    leaver.signal('SIGTERM');
    const signalledAt = Date.now();
    const { code } = await leaver.ended;
    const endedAfter = Date.now() - signalledAt;
    const left = await scene.pending(leaver);
    await until(
      'what it left is taken over',
      async () => (await scene.pending(leaver)).length === 0,
    );
    const takenOverAfter = Date.now() - signalledAt - endedAfter;
    await flowing;
    await scene.untilDone();

    const released = leaver.notes.filter(({ what }) => what === 'released').map(({ id }) => id);
    const attempts = new Set(scene.notes('started').map(({ attempt }) => attempt));
    console.log(
      `SIGTERM: exit code ${code} after ${endedAfter} ms, ${released.length} released and taken over after ${takenOverAfter} ms, ` +
        `${scene.handled().size} handled, ${scene.duplicates().length} handled twice`,
    );
    expect(code).toBe(0);
    expect(endedAfter).toBeLessThan(1.5 * WORK + SLACK);
    expect(released.length).toBeGreaterThan(0);
    expect(left.filter((id) => !released.includes(id))).toEqual([]);
    expect(takenOverAfter).toBeLessThan(RECLAIM_INTERVAL + SLACK);
    expect(scene.duplicates()).toEqual([]);
    // What was released had used up no attempt.
    expect([...attempts]).toEqual([1]);
    expect(leaver.notes.filter(({ what }) => what === 'retried')).toEqual([]);
    expect(leaver.errors).toBe('');
  });

  it('releases, uncharged, what is still running after the grace period', TIME, async () => {
    const options = { idleTimeout: IDLE_TIMEOUT, gracePeriod: 300 };
    const leaver = await scene.worker('leaver', options);
    const long = await scene.publish(Array(10).fill({ ms: 3000 }));
    await until('they run', () => leaver.notes.length === 10);
    await scene.worker('heir', options);
    leaver.signal('SIGTERM');
    const signalledAt = Date.now();
    const { code } = await leaver.ended;
    expect(code).toBe(0);
    expect(Date.now() - signalledAt).toBeLessThan(300 + SLACK);
    await scene.untilDone();
    const runs = scene.notes('handled');
    expect(leaver.notes.filter(({ what }) => what === 'aborted').map(({ id }) => id)).toEqual(long);
    expect(runs.map(({ worker, attempt }) => `${worker} ${attempt}`)).toEqual(
      Array(10).fill('heir 1'),
    );
  });

  it.each([
    ['answers', false],
    ['is silent', true],
  ])(
    'ends the process within the grace period, though a handler hangs and Redis %s',
    TIME,
    async (_, silent) => {
      const redis = { url: proxy.url };
      const hung = await scene.worker('hung', { redis, gracePeriod: GRACE_PERIOD });
      await scene.publish(Array(5).fill({ msIn: { hung: 3_600_000 } }));
      await until('they run', () => hung.notes.length === 5);
      if (silent) proxy.stall();
      hung.signal('SIGTERM');
      const signalledAt = performance.now();
      const { code } = await hung.ended;
      const endedAfter = Math.round(performance.now() - signalledAt);
      console.log(`SIGTERM with hung handlers: exit code ${code} after ${endedAfter} ms`);
      expect(code).toBe(0);
      expect(endedAfter).toBeGreaterThan(0.85 * GRACE_PERIOD);
      expect(endedAfter).toBeLessThan(GRACE_PERIOD);
      await scene.worker('heir');
      await scene.untilDone();
      const runs = scene.notes('handled').map(({ worker, attempt }) => `${worker} ${attempt}`);
      // Where Redis did not hear of the release, the run counts as one of a process that died.
      expect(runs).toEqual(Array(5).fill(silent ? 'heir 2' : 'heir 1'));
    },
  );

  it('ends the process in time while Redis is down', TIME, async () => {
    const worker = await scene.worker('worker', {
      redis: { url: scene.server.url, commandTimeout: 1000 },
    });
    const flowing = scene.flow(1000);
    await scene.untilHandled(200);
    await scene.server.kill();
    await until('it notices', () => worker.count('disconnected') === 2);
    worker.signal('SIGTERM');
    const signalledAt = Date.now();
    const { code } = await worker.ended;
    const endedAfter = Date.now() - signalledAt;
    console.log(`SIGTERM while Redis is down: exit code ${code} after ${endedAfter} ms`);
    expect(code).toBe(0);
    expect(endedAfter).toBeLessThan(8000);
    await scene.server.start();
    await flowing;
  });

  it('ends the process in time when its connections are silent', TIME, async () => {
    const worker = await scene.worker('worker', {
      redis: { url: proxy.url, commandTimeout: 1000 },
    });
    await scene.flow(100);
    await scene.untilDone();
    proxy.stall();
    worker.signal('SIGTERM');
    const signalledAt = Date.now();
    const { code } = await worker.ended;
    const endedAfter = Date.now() - signalledAt;
    console.log(`SIGTERM with silent connections: exit code ${code} after ${endedAfter} ms`);
    expect(code).toBe(0);
    expect(endedAfter).toBeLessThan(8000);
  });
});

describe('app.close()', () => {
  it.each([
    ['all is well', 0, async () => undefined],
    ['its connections are silent', 3000, async () => proxy.stall()],
    ['new connections are silent', 3000, breakForGood],
  ])('leaves nothing that keeps the process alive when %s', TIME, async (when, wait, harm) => {
    // A connection that says nothing would be given up after longer than that.
    const blockTimeout = 5000;
    const redis = { url: proxy.url, commandTimeout: 500 };
    const worker = await scene.worker('worker', { redis, blockTimeout });
    await scene.flow(100);
    await scene.untilDone();
    await harm();
    worker.close();
    const askedAt = Date.now();
    const { code } = await worker.ended;
    const endedAfter = Date.now() - askedAt;
    console.log(`app.close() when ${when}: the process ended after ${endedAfter} ms`);
    expect(code).toBe(0);
    expect(endedAfter).toBeLessThan(wait + SLACK);
  });

  async function breakForGood(): Promise<void> {
    proxy.stall();
    proxy.cut();
    await until('it tries to connect', () => proxy.connections >= 2);
  }
});
