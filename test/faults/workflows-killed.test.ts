import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Workflows } from '../../lib/workflows/workflows.js';
import { until } from '../support/until.js';
import { ALL_SCENES } from './support/scenes.js';
import type { WorkerScene } from './support/worker-scene.js';

const COUNT = 1000;
const PARTS = 5;
const EVENTS = ['begin', 'later', 'part', 'joined', 'slow', 'after'];
/** A worker that dies holds up what it had for so long, ms. */
const TIMES = { idleTimeout: 900, reclaimInterval: 250, concurrency: 60, work: 8 };

let scene: WorkerScene;
let workflows: Workflows;

const worker = (name: string) =>
  scene.worker(name, { ...TIMES, script: 'workflow-worker.js', maxDeliveries: 20 });

/** All that was ever published to a stream, by workflow and step: nothing is trimmed. */
async function publishedSteps(stream: string): Promise<string[]> {
  const entries = await scene.entries(stream);
  return entries.map(({ id, fields }) => {
    const metadata = fields[fields.indexOf('metadata') + 1] ?? '{}';
    const [workflow, step] = String(JSON.parse(metadata).workflow ?? `${id} -`).split(' ');
    return `${workflow}:${step}`;
  });
}

const left = (): Promise<number> => scene.unsettled(EVENTS);

describe.each(ALL_SCENES)('%s', (server, open) => {
  beforeAll(async () => {
    scene = await open();
    ({ workflows } = scene.publisher.chaining);
  });
  afterAll(() => scene.close());

  it(
    'workflows with a delay and a join come to their end while workers are killed, each step published once',
    { timeout: 60_000 },
    async () => {
      const began = performance.now();
      const victims = [await worker('a-0'), await worker('b-0')];
      const ids = Array.from({ length: COUNT }, (_, n) => `w${n}`);
      const starting = Promise.all(ids.map((id, n) => workflows.start('begin', { n }, { id })));
      let kills = 0;
      const joined = async () => scene.length('joined');
      for (const share of [0.02, 0.2, 0.45, 0.7, 0.9]) {
        await until(
          `${share} joined`,
          async () => (await joined()) >= share * COUNT,
          20_000,
          () => scene.standing(),
        );
        const at = kills % victims.length;
        await victims[at]!.kill();
        kills++;
        victims[at] = await worker(`${'ab'[at]}-${kills}`);
      }
      await starting;
      const all = async (): Promise<boolean> => (await joined()) >= COUNT && (await left()) === 0;
      await until('all is settled', all, 25_000, async () => `${await left()} left`);
      const took = performance.now() - began;

      const effects = new Set(scene.notes('handled').map(({ id }) => id));
      const wanted = ids.flatMap((id) => [
        `${id}:0`,
        `${id}:1`,
        ...Array.from({ length: PARTS }, (_, part) => `${id}:1.${part}.2`),
        `${id}:2`,
      ]);
      expect(wanted.filter((step) => !effects.has(step))).toEqual([]);
      expect(effects.size).toBe(wanted.length);
      for (const [stream, times] of Object.entries({
        begin: 1,
        later: 1,
        part: PARTS,
        joined: 1,
      })) {
        const steps = await publishedSteps(stream);
        expect(steps).toHaveLength(times * COUNT);
        expect(new Set(steps).size).toBe(times * COUNT);
      }
      expect(scene.notes('dead-lettered')).toEqual([]);
      const states = await Promise.all(ids.map((id) => workflows.get(id)));
      for (const [n, state] of states.entries()) {
        expect(state).toMatchObject({ id: `w${n}`, status: 'completed' });
        expect(state!.steps).toHaveLength(3 + PARTS);
        const joined = state!.steps.find(({ event }) => event === 'joined')!;
        // 5n + 0 to 5n + 4, added up.
        expect(joined.result).toBe(25 * n + 10);
      }
      const runs = scene.notes('handled').length;
      console.log(
        `${server}: ${COUNT} workflows, ${kills} workers killed: ${runs} runs of ${wanted.length} steps, ` +
          `each published once, in ${Math.round(took)} ms`,
      );
    },
  );

  it(
    'a worker that was frozen and has lost its step publishes nothing',
    { timeout: 30_000 },
    async () => {
      await Promise.all(scene.workers.map((one) => one.kill()));
      const frozen = await worker('frozen');
      const RUNS = 10;
      const ids = Array.from({ length: RUNS }, (_, n) => `slow-${n}`);
      await Promise.all(ids.map((id) => workflows.start('slow', { ms: 700 }, { id })));
      const runs = (): number =>
        scene.notes('started').filter(({ stream }) => stream === 'slow').length;
      await until('all run', () => runs() === RUNS);
      frozen.signal('SIGSTOP');
      const survivor = await worker('survivor');
      const after = () => scene.length('after');
      await until('another has published the next steps', async () => (await after()) === RUNS);
      frozen.signal('SIGCONT');
      const lost = () =>
        frozen.notes.filter(({ what, stream }) => what === 'lost' && stream === 'slow').length;
      await until('it has heard that they are not its own', () => lost() === RUNS);
      await until('all is settled', async () => (await left()) === 0);
      expect(await after()).toBe(RUNS);
      expect(
        survivor.notes.filter(({ stream, what }) => stream === 'slow' && what === 'handled'),
      ).toHaveLength(RUNS);
      for (const id of ids) expect(await workflows.get(id)).toMatchObject({ status: 'completed' });
    },
  );
});
