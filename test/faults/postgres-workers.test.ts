import { afterEach, beforeEach, expect, it } from 'vitest';
import { pace } from '../support/passing-time.js';
import { until } from '../support/until.js';
import type { Note } from './support/ledger.js';
import { PostgresScene } from './support/postgres-scene.js';
import { IDLE_TIMEOUT, RECLAIM_INTERVAL, SLACK, type Payload } from './support/worker-scene.js';

const KILLS = 20;
const MESSAGES = 8000;
const MAX_DELIVERIES = 8;
/** Number of failures of a message that never succeeds. */
const ALWAYS = 1000;
/** Does not end before a worker that leaves has ended, ms. */
const LONG = 6000;
const GRACE_PERIOD = 400;
const OPTIONS = { maxDeliveries: MAX_DELIVERIES, backoff: { delay: 50, maxDelay: 200 } };
/** Holds many messages when it is killed. */
const VICTIM = { ...OPTIONS, concurrency: 100, work: 40 };

let scene: PostgresScene;
beforeEach(async () => {
  scene = await PostgresScene.open();
});
afterEach(() => scene.close());

/** Of twenty messages one fails twice before it succeeds; of a hundred one never succeeds. */
function messages(): Payload[] {
  return Array.from({ length: MESSAGES }, (_, n) => {
    if (n % 100 === 7) return { fails: ALWAYS };
    return n % 20 === 3 ? { fails: 2 } : {};
  });
}

async function deadLetters(): Promise<{ origin: string; record: string }[]> {
  return scene.sql('select origin, record from streams.dead_letter');
}

/** Messages that the server counts as settled, and that no worker had done before. */
async function settledTooEarly(): Promise<string[]> {
  const published = [...scene.published];
  const rows = await scene.sql<{ message: string }>('select message from streams.delivery');
  const left = new Set(rows.map(({ message }) => message));
  const handled = scene.handled();
  const dead = new Set((await deadLetters()).map(({ origin }) => origin));
  return published.filter((id) => !left.has(id) && !handled.has(id) && !dead.has(id));
}

/** The attempts of the runs of each message, in the order in which they began. */
function attempts(): Map<string, number[]> {
  const runs = new Map<string, number[]>();
  const inTime = scene.notes('started').sort((a: Note, b: Note) => a.at - b.at);
  for (const { id, attempt } of inTime) runs.set(id, [...(runs.get(id) ?? []), attempt]);
  return runs;
}

const upTo = (last: number): number[] => Array.from({ length: last }, (_, at) => at + 1);

it(
  'loses nothing, acknowledges nothing early and counts attempts right while 20 workers are killed',
  { timeout: 240_000 },
  async () => {
    await scene.worker('survivor', OPTIONS);
    const payloads = messages();
    const open = new Set<string>();
    const held: number[] = [];
    const early: string[] = [];
    const portion = MESSAGES / KILLS;
    for (let kill = 0; kill < KILLS; kill++) {
      const victim = await scene.worker(`victim-${kill}`, VICTIM);
      const flowing = scene.publish(payloads.slice(kill * portion, (kill + 1) * portion));
      await until('the victim holds some', async () => (await scene.pending(victim)).length >= 10);
      await victim.kill();
      const pending = await scene.pending(victim);
      for (const id of pending) open.add(id);
      held.push(pending.length);
      early.push(...(await settledTooEarly()));
      await flowing;
    }
    const all = scene.published;
    const hopeless = all.filter((_, n) => payloads[n]!.fails === ALWAYS);
    const twice = all.filter((_, n) => payloads[n]!.fails === 2);
    await scene.untilDone(
      all.filter((id) => !hopeless.includes(id)),
      40_000,
    );

    const runs = attempts();
    console.log(
      `PostgreSQL: ${KILLS} workers killed with ${held.join(', ')} messages: ${scene.handled().size} handled, ` +
        `${scene.duplicates().length} twice, ${hopeless.length} dead letters`,
    );
    expect(early).toEqual([]);
    expect(held.filter((count) => count === 0)).toEqual([]);
    expect(scene.duplicates().filter((id) => !open.has(id))).toEqual([]);
    const letters = await deadLetters();
    expect(letters.map(({ origin }) => origin).sort()).toEqual([...hopeless].sort());
    for (const { record } of letters) {
      expect(JSON.parse(record)).toMatchObject({ attempts: MAX_DELIVERIES });
    }
    // No run is counted twice, or not at all, also where its worker was killed.
    const wrong = [...runs].filter(([, of]) =>
      of.some((attempt, at) => attempt <= (of[at - 1] ?? 0)),
    );
    expect(wrong).toEqual([]);
    const untouched = (ids: readonly string[]) => ids.filter((id) => !open.has(id));
    for (const id of untouched(hopeless)) expect(runs.get(id)).toEqual(upTo(MAX_DELIVERIES));
    for (const id of untouched(twice)) expect(runs.get(id)).toEqual(upTo(3));
    const plain = all.filter((_, n) => payloads[n]!.fails === undefined);
    for (const id of untouched(plain)) expect(runs.get(id)).toEqual([1]);
  },
);

it(
  'ten processes start at once on an empty database, while publishing begins',
  { timeout: 180_000 },
  async () => {
    await scene.sql('drop schema if exists streams cascade');
    const names = upTo(10).map((n) => `w${n}`);
    const starting = names.map((name) => scene.worker(name, { concurrency: 10, work: 5 }));
    const flowing = scene.flow(2000);
    const workers = await Promise.all(starting);
    // What was published before the group existed is read from the beginning.
    await flowing;
    await scene.flow(2000);
    await scene.untilDone();
    expect(scene.duplicates()).toEqual([]);
    expect(scene.refusals).toEqual([]);
    for (const worker of workers) expect(worker.errors).toBe('');
    expect(await scene.count('select count(*) from streams.migration')).toBe(1);
    expect(await scene.count('select count(*) from streams.grp')).toBe(1);
    const shares = workers.map(
      ({ notes }) => notes.filter(({ what }) => what === 'handled').length,
    );
    console.log(`PostgreSQL: ten processes at once handled ${shares.join(', ')} of 4000`);
  },
);

it(
  'processes that are replaced one after the other hand over what they have not begun',
  { timeout: 180_000 },
  async () => {
    // So long that nothing is taken over within this test but what was released.
    const options = { idleTimeout: 120_000, gracePeriod: GRACE_PERIOD, concurrency: 40, work: 50 };
    let workers = await Promise.all(['a0', 'b0', 'c0'].map((name) => scene.worker(name, options)));
    let flows = true;
    const flowing = (async () => {
      for (let round = 0; flows; round++) {
        await scene.publish(
          Array.from({ length: 50 }, (_, n) => (n + (round % 10) ? {} : { ms: LONG })),
        );
        await pace(30);
      }
    })();
    const left: number[] = [];
    for (let round = 1; round <= 3; round++) {
      await scene.untilHandled(round * 500);
      const fresh = ['a', 'b', 'c'].map((name) => scene.worker(`${name}${round}`, options));
      const old = workers;
      workers = await Promise.all(fresh);
      for (const worker of old) worker.signal('SIGTERM');
      for (const worker of old) expect(await worker.ended).toEqual({ code: 0, signal: null });
      const ended = Date.now();
      await until('nothing of theirs is left', async () => {
        const pending = await Promise.all(old.map((worker) => scene.pending(worker)));
        return pending.flat().length === 0;
      });
      left.push(Date.now() - ended);
    }
    flows = false;
    await flowing;
    await scene.untilDone(scene.published, 60_000);
    const released = new Set(scene.notes('released').map(({ id }) => id));
    console.log(
      `PostgreSQL: nine workers replaced: ${released.size} released, taken up after ${left.join(', ')} ms`,
    );
    expect(Math.max(...left)).toBeLessThan(RECLAIM_INTERVAL + SLACK);
    expect(released.size).toBeGreaterThan(0);
    // A run that is released goes on, and may end before its process does.
    expect(scene.duplicates().filter((id) => !released.has(id))).toEqual([]);
    expect(new Set(scene.notes('started').map(({ attempt }) => attempt))).toEqual(new Set([1]));
  },
);

it('a survivor with room for one takes over without a pause between two', async () => {
  const dead = await scene.worker('dead', { concurrency: 60 });
  await scene.publish(Array(60).fill({ msIn: { dead: 60_000 }, ms: 5 }));
  await until('all run', () => dead.notes.length === 60);
  const options = { concurrency: 1, reclaimInterval: 1000, idleTimeout: IDLE_TIMEOUT };
  const survivor = await scene.worker('survivor', options);
  await dead.kill();
  const killed = Date.now();
  await scene.untilDone();
  const after = Date.now() - killed;
  console.log(`PostgreSQL: 60 entries of a dead worker were handled one by one after ${after} ms`);
  expect(after).toBeLessThan(IDLE_TIMEOUT + options.reclaimInterval + 60 * 30 + 2 * SLACK);
  expect(survivor.notes.filter(({ what }) => what === 'handled')).toHaveLength(60);
}, 60_000);
