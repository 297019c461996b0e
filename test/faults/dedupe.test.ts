import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GROUP, IDLE_TIMEOUT, RECLAIM_INTERVAL, Scene, SLACK, STREAM } from './support/scene.js';
import { until } from '../support/until.js';

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always'];
/** Longer than the victim lives. */
const LONG = 60_000;
const BY_KEY = { dedupe: 'idempotencyKey' } as const;

let scene: Scene;
beforeEach(async () => {
  scene = await Scene.open(DURABLE);
});
afterEach(() => scene.close());

/** The worker takes every event. */
const keyOf = (key: string) => `{${STREAM}}:done:${GROUP}:*:${key}`;

/** A message with a key, as two producers may publish it that do not know of each other. */
async function publish(key: string, payload: object): Promise<string> {
  const fields = ['event_type', 'order', 'payload', JSON.stringify(payload)];
  return (await scene.client.xadd(STREAM, '*', ...fields, 'idempotency_key', key))!;
}

describe('a process that is killed', () => {
  it('while it holds a claim leaves it to expire: another one runs it, and once', async () => {
    const victim = await scene.worker('victim', { handler: BY_KEY });
    const id = await publish('k', { ms: LONG, msIn: { survivor: 1 } });
    await until('it runs', () => scene.notes('started').length === 1);
    expect(await scene.client.get(keyOf('k'))).toBe('by victim');
    const survivor = await scene.worker('survivor', { handler: BY_KEY });
    const other = await publish('k', { ms: 1 });
    await until('the other one waits', () => scene.notes('postponed').length > 0);
    await victim.kill();
    const killedAt = Date.now();
    await scene.untilDone([], IDLE_TIMEOUT + RECLAIM_INTERVAL + 2 * SLACK);
    // The worker notes it when the server has acknowledged it.
    await until('the duplicate is noted', () => scene.notes('duplicate').length > 0);
    const handled = scene.notes('handled');
    expect(handled).toHaveLength(1);
    expect(scene.notes('duplicate')).toHaveLength(1);
    expect([id, other]).toContain(handled[0]!.id);
    expect(handled[0]!.at - killedAt).toBeLessThan(IDLE_TIMEOUT + RECLAIM_INTERVAL + SLACK);
    expect(await scene.client.get(keyOf('k'))).toBe('done');
    expect(survivor.errors).toBe('');
  });

  it('between the mark of its completion and the acknowledgement is not run again', async () => {
    const victim = await scene.worker('victim', { handler: BY_KEY });
    const id = await publish('k', { ms: LONG });
    await until('it runs', () => scene.notes('started').length === 1);
    // What a store beside Redis would have by now.
    await scene.client.set(keyOf('k'), 'done', 'PX', 600_000);
    await victim.kill();
    await scene.worker('survivor', { handler: BY_KEY });
    await until('it is settled', () => scene.notes('duplicate').length === 1);
    expect(scene.notes('duplicate')[0]!.id).toBe(id);
    expect(scene.notes('started')).toHaveLength(1);
    expect(await scene.left()).toBe(0);
  });
});

describe('a durable server that is killed', () => {
  it('still knows what was completed', async () => {
    await scene.worker('a', { handler: BY_KEY, work: 5 });
    await scene.worker('b', { handler: BY_KEY, work: 5 });
    const keys = Array.from({ length: 200 }, (_, n) => `k${n}`);
    for (const key of keys) await publish(key, {});
    await scene.untilHandled(100);
    await scene.server.kill();
    await scene.server.start();
    await until('all are settled', async () => (await scene.left()) === 0);
    const before = scene.notes('handled').length;
    for (const key of keys) await publish(key, {});
    await until('all are known', () => scene.notes('duplicate').length >= keys.length);
    expect(scene.notes('handled')).toHaveLength(before);
    expect(await scene.left()).toBe(0);
  });
});
