import { afterEach, beforeEach, expect, it } from 'vitest';
import { elapse, pace } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { BalancedScene, faultsOf, type BalancedWorker } from './support/balanced-scene.js';

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
  const rounds = 20;
  const options = { notifications: 'off', scanInterval: SCAN, work: 80 } as const;
  await Promise.all(Array.from({ length: 5 }, () => scene.worker(options)));
  await scene.announce(streams);
  const publishing = (async () => {
    for (let n = 0; n < rounds; n++) {
      await scene.publish(streams, { n });
      await pace(250);
    }
  })();
  const alive = () => scene.workers.filter(({ child }) => child.exitCode === null && !child.killed);
  const stopped = (async () => {
    const frozen = anyOf(alive());
    frozen.child.kill('SIGSTOP');
    await elapse(3500);
    frozen.child.kill('SIGCONT');
  })();
  const orphaned: Promise<number>[] = [];
  for (let kills = 0; kills < 3; kills++) {
    await pace(1000);
    orphaned.push(scene.orphaned(anyOf(alive())));
    await scene.worker(options);
  }
  const restarts = Date.now();
  await scene.server.restart();
  const outage = Date.now() - restarts;
  await Promise.all([publishing, stopped]);
  // Two at once, of whom neither looks after the other.
  const [one, other] = alive() as [BalancedWorker, BalancedWorker];
  orphaned.push(scene.orphaned(one), scene.orphaned(other));
  for (const waited of await Promise.all(orphaned)) {
    expect(waited, 'without an owner').toBeLessThan(LEASE + SCAN + outage + SLACK);
  }
  await until(
    'all is settled',
    async () => (await scene.unsettled(streams)) === 0,
    30_000,
    () => scene.unsettled(streams),
  );
  const notes = await scene.notes();
  const stored = await Promise.all(streams.map((stream) => scene.client.xlen(stream)));
  expect(new Set(stored), 'as many as were published').toEqual(new Set([rounds]));
  expect(streams.flatMap((stream) => faultsOf(notes, stream, rounds)).slice(0, 10)).toEqual([]);
}, 90_000);

it('an owner whose locks expired while Redis was away, and that no other consumer has replaced, goes on where it was', async () => {
  const streams = named(40);
  const rounds = 40;
  const a = await scene.worker({ work: 40 });
  await scene.announce(streams);
  await until('a owns all', async () => (await scene.owners()).size === streams.length);
  for (let n = 0; n < rounds; n++) await scene.publish(streams, { n });
  const settled = async () => (await a.notes()).filter(({ what }) => what === 'settled').length;
  await until('a is at work', async () => (await settled()) > streams.length);
  // What is settled now waits for the connection, and is there before the next heartbeat.
  await scene.server.kill();
  await elapse(LEASE + 500);
  await scene.server.start();
  await until('all is settled', async () => (await scene.unsettled(streams)) === 0, 10_000);
  const notes = await scene.notes();
  expect(streams.flatMap((stream) => faultsOf(notes, stream, rounds))).toEqual([]);
});

it('an owner that was stopped, and wakes up with messages in hand, settles none of them', async () => {
  const streams = named(20);
  // A stream that moves was lost, not handed over.
  const a = await scene.worker({ work: 1000, scanInterval: SCAN, rebalance: false });
  await scene.announce(streams);
  await until('a owns all', async () => (await scene.owners()).size === streams.length);
  const b = await scene.worker({ work: 10, scanInterval: SCAN });
  await scene.publish(streams, { n: 0 });
  const begun = async () => (await a.notes()).filter(({ what }) => what === 'begun').length;
  await until('a has all in hand', async () => (await begun()) === streams.length);
  a.signal('SIGSTOP');
  const began = Date.now();
  const settled = async () => (await b.notes()).filter(({ what }) => what === 'settled').length;
  await until('b has settled all', async () => (await settled()) === streams.length);
  expect(Date.now() - began).toBeLessThan(LEASE + SCAN + SLACK);
  expect(await scene.unsettled(streams)).toBe(0);
  a.signal('SIGCONT');
  const lost = async () => (await a.notes()).filter(({ what }) => what === 'lost').length;
  await until('a knows that it has lost them', async () => (await lost()) === streams.length);
  const notes = await scene.notes();
  expect(streams.flatMap((stream) => faultsOf(notes, stream, 1))).toEqual([]);
  expect(notes.filter(({ what }) => what === 'disowned')).toHaveLength(streams.length);
});

it('a handler that computes for 1.5 s keeps its streams; one that does so for 3.5 s loses them, and settles nothing', async () => {
  const streams = named(10);
  const a = await scene.worker({ scanInterval: SCAN, rebalance: false });
  await scene.announce(streams);
  await until('a owns all', async () => (await scene.owners()).size === streams.length);
  const b = await scene.worker({ scanInterval: SCAN });
  const owned = async () => [...new Set((await scene.owners()).values())];
  // They come together: one after the other they take longer than the lease.
  await scene.publish(streams.slice(0, 3), { n: 0, blocks: 1500, at: a.name });
  const blocked = async () => (await a.notes()).filter(({ what }) => what === 'blocked').length;
  await until('all three have run', async () => (await blocked()) === 3);
  await until(
    'all three are settled',
    async () => (await scene.unsettled(streams.slice(0, 3))) === 0,
  );
  expect((await scene.notes()).filter(({ what }) => what === 'disowned')).toEqual([]);
  expect(await owned()).toEqual([a.name]);
  await scene.publish(streams.slice(0, 3), { n: 1, blocks: 3500, at: a.name });
  await until('b owns them', async () => (await owned()).includes(b.name));
  await until('a has woken up', async () => (await blocked()) === 4);
  const three = streams.slice(0, 3);
  await until('b has settled all', async () => (await scene.unsettled(three)) === 0, 15_000);
  const notes = await scene.notes();
  expect(three.flatMap((stream) => faultsOf(notes, stream, 2))).toEqual([]);
  // The other two waited for the first one, and were lost before they began.
  const begun = notes.filter(({ by, what, n }) => by === a.name && what === 'begun' && n === '1');
  expect(begun).toHaveLength(1);
});
