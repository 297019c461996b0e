import { afterEach, beforeEach, expect, it } from 'vitest';
import { PostgresScene } from './support/postgres-scene.js';
import { COUNT, GROUP, STREAM } from './support/worker-scene.js';

let scene: PostgresScene;
beforeEach(async () => {
  scene = await PostgresScene.open();
});
afterEach(() => scene.close());

const told = (name: string) =>
  scene.workers
    .flatMap((worker) => worker.told.filter((event) => event.name === name))
    .map(({ event }) => event);

/** What is deleted by hand, and whether the groups are lost with it. */
const DELETED = [
  ['the schema', 'drop schema streams cascade', true],
  ['a stream', 'delete from streams.stream', true],
  ['a group', 'delete from streams.grp', true],
  ['all messages', 'truncate streams.message, streams.delivery', false],
  ['what groups have to settle', 'truncate streams.delivery', false],
  ['the data of messages', 'truncate streams.message', false],
] as const;

it.each(DELETED)(
  '%s deleted by hand under load: nothing that is published afterwards is lost, no process ends',
  async (what, statement, losesGroups) => {
    const workers = [await scene.worker('a'), await scene.worker('b')];
    const flowing = scene.flow();
    await scene.untilHandled(COUNT / 3);
    await scene.sql(statement);
    const before = scene.published.length;
    await flowing;
    // What the server has accepted since, and still has: publishing may have begun before.
    const stored = new Set(await scene.stored());
    const after = scene.published.slice(before + 200).filter((id) => stored.has(id));
    await scene.untilDone(after, 30_000);

    const handled = scene.handled();
    const lost = scene.published.filter((id) => !handled.has(id)).length;
    console.log(
      `PostgreSQL: ${what} deleted: ${handled.size} handled, ${lost} of ${scene.published.length} deleted unhandled, ` +
        `${scene.duplicates().length} handled twice, ${scene.refusals.length} publishes refused and repeated`,
    );
    expect(new Set(scene.published).size, 'an id stands for one message').toBe(
      scene.published.length,
    );
    expect(after.length).toBeGreaterThan(COUNT / 4);
    expect(scene.published.slice(before + 200).filter((id) => !stored.has(id))).toEqual([]);
    // Where a group is made again it begins behind what was handed out last.
    if (what !== 'a group') expect(scene.duplicates()).toEqual([]);
    const recreated = { stream: STREAM, group: GROUP };
    if (losesGroups) expect(told('group-recreated')[0]).toMatchObject(recreated);
    expect(told('stream-unreadable')).toEqual([]);
    expect(told('worker-error').length).toBeLessThan(10);
    for (const worker of workers) expect(worker.errors).toBe('');
  },
  60_000,
);
