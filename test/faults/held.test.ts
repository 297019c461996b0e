import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { quiet } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { GROUP, IDLE_TIMEOUT, Scene, STREAM } from './support/scene.js';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.close());

const LOOKS = 3 * IDLE_TIMEOUT;

it.each([
  ['a plain stream', {}],
  ['an ordered stream', { orderBy: 'key' }],
])(
  '%s: held messages outlive a killed process, and no peer runs them',
  { timeout: 60_000 },
  async (_, own) => {
    const [a, b] = [`A${Object.keys(own).length}`, `B${Object.keys(own).length}`];
    const before = scene.published.length;
    const options = { handler: { deadLetter: 'hold', ...own } } as const;
    const { held, source } = redis({ url: scene.server.url }).open({
      events: new EventBus(),
      keyPrefix: '',
    });
    const first = await scene.worker(a, options);
    const ids = await scene.publish(
      Array.from({ length: 20 }, (_entry, index) => ({
        ...(index % 2 === 0 && { failsIn: a }),
        key: String(index % 4),
      })),
    );
    const failing = ids.filter((_id, index) => index % 2 === 0);
    const list = async () => (await held!.list(STREAM, GROUP, 1000)).items.map(({ id }) => id);
    await until('all are on hold', async () => (await list()).length === failing.length);
    await first.kill();
    const peer = await scene.worker(b, options);
    const again = await scene.worker(a, options);
    await scene.untilHandled(before / 2 + ids.length / 2);
    await quiet(LOOKS);
    const startedBy = (worker: { notes: readonly { what: string; id: string }[] }) =>
      worker.notes.filter(({ what, id }) => what === 'started' && failing.includes(id));
    expect(startedBy(peer)).toEqual([]);
    expect((await list()).sort()).toEqual([...failing].sort());
    expect([...peer.told, ...again.told].map(({ name }) => name)).not.toContain('consumer-crashed');
    await again.kill();
    expect(await held!.release(STREAM, { group: GROUP })).toBe(failing.length);
    await until(
      'the peer has run them',
      () => new Set(startedBy(peer).map(({ id }) => id)).size === failing.length,
    );
    expect(await list()).toEqual([]);
    await peer.kill();
    await source.close();
  },
);
