import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { BalancedScene, faultsOf } from './support/balanced-scene.js';

/** Life of a lock. */
const LEASE = 2000;
const SCAN = 500;
/** What a loaded machine with two cores adds. */
const SLACK = 2500;

let scene: BalancedScene;
beforeEach(async () => {
  // Nothing that was acknowledged is lost in a restart.
  scene = await BalancedScene.open(['--appendonly', 'yes', '--appendfsync', 'always']);
});
afterEach(() => scene.close());

const named = (count: number) =>
  Array.from({ length: count }, (_, index) => `user-session-${index}`);
const anyOf = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)]!;

it('200 streams, 5 processes, kills, standstills, a restart of Redis, no notifications: all is settled, in order, by one owner at a time', async () => {
  const streams = named(200);
  const rounds = 25;
  const options = { notifications: 'off', scanInterval: SCAN, work: 5 } as const;
  await Promise.all(Array.from({ length: 5 }, () => scene.worker(options)));
  await scene.announce(streams);
  const publishing = (async () => {
    for (let n = 0; n < rounds; n++) {
      await scene.publish(streams, { n });
      await pause(250);
    }
  })();
  const alive = () => scene.workers.filter(({ child }) => child.exitCode === null && !child.killed);
  const stopped = (async () => {
    const frozen = anyOf(alive());
    frozen.child.kill('SIGSTOP');
    await pause(3500);
    frozen.child.kill('SIGCONT');
  })();
  for (let kills = 0; kills < 3; kills++) {
    await pause(1000);
    const victim = anyOf(alive());
    victim.child.kill('SIGKILL');
    await scene.worker(options);
  }
  await scene.server.restart();
  await Promise.all([publishing, stopped]);
  await until(
    'all is settled',
    async () => (await scene.unsettled(streams)) === 0,
    30_000,
    () => scene.unsettled(streams),
  );
  const notes = await scene.notes();
  expect(streams.flatMap((stream) => faultsOf(notes, stream, rounds)).slice(0, 10)).toEqual([]);
}, 90_000);
