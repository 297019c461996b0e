import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Proxy, startProxy } from '../support/proxy.js';
import { BLOCK_TIMEOUT, IDLE_TIMEOUT, RECLAIM_INTERVAL, Scene, SLACK } from './support/scene.js';
import { until } from '../support/until.js';
import type { WorkerProcess } from './support/worker-process.js';

const COMMAND_TIMEOUT = 1000;
/** A read that is silent for so much longer than it was to block counts as dead. */
const READ_GRACE = 2000;
/** Between two cuts of connections that flap, ms. */
const CUT_EVERY = 2000;
/** A connection that was cut is back after about so long, ms. */
const RECONNECTED = 200;
/** How much longer an entry has to be left alone soon after a reconnection, ms. */
const OWNERS_RETURN = 2500;

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

/** A worker whose connections go through the proxy. */
const remote = (name: string, concurrency = 50): Promise<WorkerProcess> =>
  scene.worker(name, { redis: { url: proxy.url, commandTimeout: COMMAND_TIMEOUT }, concurrency });

describe('a connection that breaks', () => {
  it('is replaced, again and again', { timeout: 40_000 }, async () => {
    const workers = [await remote('a'), await remote('b')];
    const flowing = scene.flow();
    const open: string[] = [];
    for (const mark of [1500, 3000, 4500, 6000, 7500]) {
      await scene.untilHandled(mark);
      open.push(...(await scene.pending()));
      proxy.cut();
    }
    await flowing;
    await scene.untilDone();

    const twice = scene.duplicates();
    console.log(
      `All connections cut 5 times: ${scene.handled().size} handled, ${open.length} pending meanwhile, ` +
        `${twice.length} handled twice`,
    );
    expect(twice).toEqual([]);
    for (const worker of workers) expect(worker.count('disconnected')).toBeGreaterThanOrEqual(5);
  });
});

describe('a connection that goes silent', () => {
  it('is given up by a worker that is on its own', { timeout: 40_000 }, async () => {
    const worker = await remote('alone', 100);
    const flowing = scene.flow();
    await scene.untilHandled(2000);
    proxy.stall();
    const stalledAt = Date.now();
    await until('it has noticed', () => worker.count('disconnected') >= 2);
    const noticedAfter = Date.now() - stalledAt;
    const open = await scene.pending();
    proxy.resume();
    const resumedAt = Date.now();
    await until('it works again', () => worker.notes.at(-1)!.at > resumedAt + 10);
    const backAfter = Date.now() - resumedAt;
    await flowing;
    await scene.untilDone();

    const twice = scene.duplicates();
    console.log(
      `Connections silent: noticed after ${noticedAfter} ms, ${open.length} pending meanwhile, back after ${backAfter} ms, ` +
        `${scene.handled().size} handled, ${twice.length} handled twice`,
    );
    expect(twice).toEqual([]);
    expect(noticedAfter).toBeLessThan(BLOCK_TIMEOUT + READ_GRACE + SLACK);
  });

  it('hands its work to others, and takes part again', { timeout: 40_000 }, async () => {
    const [cutOff, other] = [await remote('cut-off'), await scene.worker('other')];
    const flowing = scene.flow();
    await scene.untilHandled(2000);
    proxy.stall();
    const stalledAt = Date.now();
    const open = new Set<string>();
    await until('its entries are taken over', async () => {
      const pending = await scene.pending(cutOff);
      for (const id of pending) open.add(id);
      return pending.length === 0;
    });
    const takenOverAfter = Date.now() - stalledAt;
    await until('it has noticed', () => cutOff.count('disconnected') >= 2);
    proxy.resume();
    const resumedAt = Date.now();
    await flowing;
    await scene.flow(1000);
    await scene.untilDone();

    console.log(
      `One of two workers cut off: ${scene.handled().size} handled, ${scene.duplicates().length} handled twice, ` +
        `taken over after ${takenOverAfter} ms`,
    );
    expect(other.has('reclaimed')).toBe(true);
    expect(scene.duplicates().filter((id) => !open.has(id))).toEqual([]);
    expect(takenOverAfter).toBeLessThan(IDLE_TIMEOUT + BLOCK_TIMEOUT + RECLAIM_INTERVAL + SLACK);
    expect(
      cutOff.notes.filter(({ what, at }) => what === 'handled' && at > resumedAt).length,
    ).toBeGreaterThan(100);
  });
});

describe('a read whose reply is lost', () => {
  it(
    'leaves entries that the same worker takes up, without a restart',
    { timeout: 40_000 },
    async () => {
      const worker = await remote('alone', 100);
      const flowing = scene.flow();
      for (const mark of [1500, 3000, 4500, 6000, 7500]) {
        await scene.untilHandled(mark);
        await proxy.swallowEntries();
      }
      await flowing;
      await scene.untilDone();

      const adopted = worker.told
        .filter(({ name }) => name === 'adopted')
        .map(({ event }) => Number(event['count']));
      console.log(
        `5 replies swallowed: ${scene.handled().size} handled, ${adopted.join(' + ')} adopted, ${scene.duplicates().length} handled twice`,
      );
      // One look may find what two replies left.
      expect(adopted.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(5);
      expect(scene.duplicates()).toEqual([]);
    },
  );

  it(
    'is made up for when the server goes on with the old connection',
    { timeout: 40_000 },
    async () => {
      const worker = await remote('alone', 100);
      await until('it reads', () => scene.readWaits());
      proxy.cutUnnoticed();
      await until('it is connected again', () => worker.count('connected') === 4);
      const publishedAt = Date.now();
      await scene.publish([{}]);
      await scene.publish([{}]);
      await scene.untilDone();
      console.log(
        `A read without a waiting reader took an entry: handled after ${Date.now() - publishedAt} ms`,
      );
      expect(worker.told.filter(({ name }) => name === 'adopted')).toHaveLength(1);
    },
  );
});

describe('connections that break every 2 s', () => {
  it(
    'keep nothing of a dead worker from others, and take nothing from a live one',
    { timeout: 60_000 },
    async () => {
      const dead = await scene.worker('dead', { concurrency: 20 });
      const ids = await scene.publish(Array(20).fill({ msIn: { dead: 60_000 } }));
      await until('the dead one runs them', () => dead.notes.length === ids.length);
      const owner = await remote('owner');
      const long = await scene.publish(Array(10).fill({ ms: 9000 }));
      await until('the live one runs them', () => owner.notes.length === long.length);
      const other = await remote('other');
      const cutting = setInterval(() => proxy.cut(), CUT_EVERY);
      await until('they were cut', () => other.has('disconnected') && owner.has('disconnected'));
      await dead.kill();
      const killedAt = performance.now();
      const done = until('its entries are handled', () => {
        const handled = scene.handled();
        return ids.every((id) => handled.has(id));
      });
      await done.finally(() => clearInterval(cutting));
      const after = Math.round(performance.now() - killedAt);
      await scene.untilDone();

      const cuts = other.count('disconnected');
      console.log(
        `Cut every ${CUT_EVERY} ms: taken over after ${after} ms, ${cuts} connections broken`,
      );
      // Each cut may lengthen it by the time until the connections are back.
      const flapping = (Math.ceil(after / CUT_EVERY) + 1) * RECONNECTED;
      expect(after).toBeLessThan(
        IDLE_TIMEOUT + OWNERS_RETURN + RECLAIM_INTERVAL + flapping + 2 * SLACK,
      );
      expect(scene.duplicates()).toEqual([]);
      expect(owner.notes.filter(({ what }) => what === 'handled').length).toBeGreaterThanOrEqual(
        10,
      );
    },
  );
});
