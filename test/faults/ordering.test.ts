import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import type { Note } from './support/ledger.js';
import { SCENES } from './support/scenes.js';
import { IDLE_TIMEOUT, SLACK, type Payload, type WorkerScene } from './support/worker-scene.js';
import type { WorkerProcess } from './support/worker-process.js';

const KEYS = 10;
/** Under way when its worker is frozen. */
const LONG = 2500;
const OPTIONS = {
  handler: { orderBy: 'key' },
  work: 2,
  maxDeliveries: 100,
  backoff: { delay: 20, maxDelay: 100 },
};

let scene: WorkerScene;
afterEach(() => scene.close());

/** Messages of some keys, of which one in `failing` fails once. */
function messages(count: number, failing: number): Payload[] {
  return Array.from({ length: count }, (_, index) => ({
    key: `k${Math.floor(Math.random() * KEYS)}`,
    ...(index % failing === 1 && { fails: 1 }),
  }));
}

/** The worker that reads now; undefined while none does. */
function owner(): WorkerProcess | undefined {
  const told = scene.workers.flatMap((worker) =>
    worker.told.filter(({ name }) => name === 'stream-acquired').map((one) => ({ worker, ...one })),
  );
  return told.sort((a, b) => Number(a.event['token']) - Number(b.event['token'])).at(-1)?.worker;
}

/** Notes per key, as places in the order of publication, in the order in which they were made. */
function placesByKey(
  of: readonly Note[],
  published: readonly string[],
  payloads: readonly Payload[],
) {
  const place = new Map(published.map((id, index) => [id, index]));
  const byKey = new Map<string, number[]>();
  const notes = [...of].sort((a, b) => a.at - b.at);
  for (const { id } of notes) {
    const index = place.get(id)!;
    const key = payloads[index]!.key!;
    byKey.set(key, [...(byKey.get(key) ?? []), index]);
  }
  return byKey;
}

const isOrdered = (places: readonly number[]): boolean =>
  places.every((place, index) => index === 0 || places[index - 1]! <= place);

describe.each(SCENES)('%s', (server, open) => {
  beforeEach(async () => {
    scene = await open();
  });

  it('keeps the order of each key while owners are killed', { timeout: 40_000 }, async () => {
    const payloads = messages(1500, 30);
    await Promise.all(['one', 'two', 'three'].map((name) => scene.worker(name, OPTIONS)));
    const publishing = scene.publish(payloads);
    for (const count of [300, 800]) {
      await scene.untilHandled(count);
      const killed = owner()!;
      const killedAt = Date.now();
      await killed.kill();
      await until('another one has taken over', () => owner() !== killed, 10_000);
      expect(Date.now() - killedAt).toBeLessThan(IDLE_TIMEOUT + SLACK);
    }
    const published = await publishing;
    await scene.untilDone();
    const handled = placesByKey(scene.notes('handled'), published, payloads);
    expect([...handled.values()].flat().length).toBeGreaterThanOrEqual(payloads.length);
    for (const [key, places] of handled) expect(isOrdered(places), key).toBe(true);
    expect(scene.notes('dead-lettered')).toEqual([]);
    console.log(
      `${server}: owners killed twice: ${scene.duplicates().length} of ${payloads.length} handled twice, in order`,
    );
  });

  it('an owner that was frozen settles nothing when it wakes up', { timeout: 40_000 }, async () => {
    const payloads = [...messages(300, 30), { key: 'k0', ms: LONG }, ...messages(600, 30)];
    const frozen = await scene.worker('frozen', OPTIONS);
    const surviving = scene.worker('survivor', OPTIONS);
    const publishing = scene.publish(payloads);
    await until('the long run has begun', () =>
      frozen.notes.some(({ id, what }) => what === 'started' && id === scene.published[300]),
    );
    const survivor = await surviving;
    frozen.signal('SIGSTOP');
    await until('another one has taken over', () => owner() === survivor, 10_000);
    const awakeAt = Date.now();
    frozen.signal('SIGCONT');
    const published = await publishing;
    await scene.untilDone();
    await until('it has noticed', () => frozen.has('stream-lost'));

    const settled = scene.notes('settled');
    const ids = new Set(settled.map(({ id }) => id));
    expect(ids.size).toBe(settled.length);
    // What it had settled, and not been told of when it was frozen, it takes for lost at waking.
    const taken = new Set(frozen.notes.filter(({ what }) => what === 'lost').map(({ id }) => id));
    expect(published.filter((id) => !ids.has(id) && !taken.has(id))).toEqual([]);
    const lostAt = frozen.told.find(({ name }) => name === 'stream-lost')!.at;
    const atWaking = ({ worker, at }: Note) => worker === 'frozen' && at >= awakeAt && at <= lostAt;
    expect(frozen.notes.filter((note) => note.what === 'started' && atWaking(note))).toEqual([]);
    // At waking it learned of what it had settled before it was frozen.
    const known = placesByKey(
      settled.filter((note) => !atWaking(note)),
      published,
      payloads,
    );
    for (const [key, places] of known) expect(isOrdered(places), key).toBe(true);
    const ofLong = frozen.notes.filter(({ id }) => id === published[300]).map(({ what }) => what);
    expect(ofLong).toEqual(expect.arrayContaining(['started', 'lost']));
    expect(scene.notes('dead-lettered')).toEqual([]);
  });
});
