import { afterAll, beforeAll, expect, it } from 'vitest';
import { compareEntryIds } from '../../lib/drivers/entry-ids/entry-id.js';
import { until } from '../support/until.js';
import { COUNT, GROUP, Scene, STREAM } from './support/scene.js';

const RECORDING = { commits: { interval: 100 } };
const KEY = `consumer:${GROUP}:${STREAM}:default`;

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene.close());

interface Seen {
  readonly offset: string;
  readonly lastMessageId: string;
  /** Smallest id that was pending after the record was read. */
  readonly oldestPending: string | undefined;
}

async function look(): Promise<Seen | undefined> {
  const text = await scene.client.get(KEY);
  if (text === null) return undefined;
  const { offset, last_message_id } = JSON.parse(text) as Record<string, string>;
  const [, oldest] = (await scene.client.xpending(STREAM, GROUP)) as [number, string | null];
  return { offset: offset!, lastMessageId: last_message_id!, oldestPending: oldest ?? undefined };
}

/** Looks at the record until the work is done. */
async function watch(done: () => boolean): Promise<Seen[]> {
  const seen: Seen[] = [];
  await until(
    'all is done',
    async () => {
      const one = await look();
      if (one && seen.at(-1)?.offset !== one.offset) seen.push(one);
      return done();
    },
    60_000,
  );
  return seen;
}

it(
  'a record is true at any time, and never goes back, while workers are frozen, woken and killed',
  { timeout: 90_000 },
  async () => {
    const [frozen, victim] = await Promise.all([
      scene.worker('frozen', RECORDING),
      scene.worker('victim', RECORDING),
    ]);
    let done = false;
    const watching = watch(() => done);
    for (let turn = 0; turn < 3; turn++) {
      const flowing = scene.flow(COUNT / 10);
      await scene.untilHandled((turn * COUNT) / 10 + COUNT / 20);
      frozen.signal('SIGSTOP');
      await flowing;
      await until('what it held is taken over', async () => {
        return (await scene.pending(frozen)).length === 0;
      });
      frozen.signal('SIGCONT');
    }
    const flowing = scene.flow(COUNT / 10);
    await until('the victim holds some', async () => (await scene.pending(victim)).length >= 10);
    await victim.kill();
    await flowing;
    await scene.untilDone();
    const last = scene.published.at(-1)!;
    await until('the last record', async () => (await look())?.offset === last);
    done = true;
    const seen = await watching;

    for (const [index, { offset, oldestPending }] of seen.entries()) {
      const before = seen[index - 1];
      if (before) expect(compareEntryIds(before.offset, offset)).toBeLessThan(0);
      if (oldestPending) expect(compareEntryIds(offset, oldestPending)).toBeLessThan(0);
    }
    expect(seen.length).toBeGreaterThan(10);
    console.log(
      `Records of two workers: ${seen.length} seen while ${scene.published.length} messages were handled`,
    );
  },
);

it('a worker that is closed records its last settlement', { timeout: 30_000 }, async () => {
  const worker = await scene.worker('closed', { commits: { interval: 60_000 } });
  await Promise.all(scene.workers.filter((one) => one !== worker).map((one) => one.kill()));
  await scene.flow(100);
  await scene.untilDone();
  const last = scene.published.at(-1)!;
  expect((await look())?.offset).not.toBe(last);
  worker.signal('SIGTERM');
  await until('the last record', async () => (await look())?.offset === last, 15_000);
});
