import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { elapse, pace } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { BalancedScene, faultsOf, SERVICE, type BalancedWorker } from './support/balanced-scene.js';
import { GoPeer, GoPeers } from './support/go-peer.js';

/** Without anything compiled before, the toolchain compiles its standard library too. */
const BUILD = 300_000;

let peers: GoPeers;
beforeAll(async () => {
  peers = await GoPeers.build();
  for (const [what, built] of Object.entries({
    'a stand-in': peers.standIn,
    'the public module': peers.publicModule,
  })) {
    if ('missing' in built)
      console.log(`Nothing is tested together with ${what} in Go: ${built.missing}.`);
    else console.log(`Tested together with ${what} in Go: ${built.version}.`);
  }
}, BUILD);
afterAll(() => peers.clean());

let scene: BalancedScene;
const running: GoPeer[] = [];
beforeEach(async () => {
  // What was announced is still there after a restart.
  scene = await BalancedScene.open(['--appendonly', 'yes', '--appendfsync', 'always']);
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((peer) => peer.kill()));
  await scene.close();
});

const named = (count: number) =>
  Array.from({ length: count }, (_, index) => `user-session-${index}`);
const inputs = () => scene.client.xlen(`${SERVICE}-input`);
const ownersOf = async (name: string) =>
  [...(await scene.owners())].filter(([, owner]) => owner.endsWith(name)).map(([stream]) => stream);
const work = { scanInterval: 500, work: 5 };

type Which = 'standIn' | 'publicModule';

async function start(which: Which, name: string, env: Record<string, string>): Promise<GoPeer> {
  const { binary } = peers[which] as { binary: string };
  const started = new GoPeer(binary, scene.server.port, name, SERVICE, env);
  running.push(started);
  await started.ready();
  return started;
}

const GROUP = `${SERVICE}-group`;
const OLDER = { PROTOCOL: 'locks' };
const NEWER = { PROTOCOL: 'requeue' };

describe.each([
  ['a stand-in of its older protocol', 'standIn', OLDER],
  ['a stand-in of its newer protocol', 'standIn', NEWER],
  ['the public module', 'publicModule', {}],
] as const)('shared with Go: %s', (_what, which, env) => {
  beforeEach((context) => {
    const built = peers[which];
    if ('missing' in built) context.skip(built.missing);
  });

  const peer = (name: string): Promise<GoPeer> => start(which, name, env);

  /** What each side handled, as `stream n`, and nothing at a side that did not own it. */
  async function handled(go: GoPeer, ours: readonly BalancedWorker[]) {
    const notes = (await Promise.all(ours.map((worker) => worker.notes()))).flat();
    return {
      go: go.of('handled').map(({ stream, n }) => `${stream} ${n}`),
      ours: notes.filter(({ what }) => what === 'handled').map(({ stream, n }) => `${stream} ${n}`),
    };
  }

  const all = (streams: readonly string[], count: number) =>
    streams.flatMap((stream) => Array.from({ length: count }, (_, n) => `${stream} ${n}`)).sort();

  it('streams of either are handled by either, each by one of them', async () => {
    const streams = named(12);
    const go = await peer('go');
    const ours = await scene.worker({ ...work, maxStreams: 6 });
    await scene.announce(streams);
    for (let n = 0; n < 4; n++) await scene.publish(streams, { n });
    await scene.publish(streams, { n: 4, last: true });
    await until('all streams are done', async () => (await inputs()) === 0, 15_000, inputs);
    const done = await handled(go, [ours]);
    expect(done.go.length).toBeGreaterThan(0);
    expect(done.ours.length).toBeGreaterThan(0);
    expect([...done.go, ...done.ours].sort()).toEqual(all(streams, 5));
    expect((await scene.owners()).size).toBe(0);
  });

  it('the Go peer is killed, and ours claims', async () => {
    const streams = named(6);
    const go = await peer('go');
    await scene.announce(streams);
    await scene.publish(streams, { n: 0 });
    await until('it owns all', async () => (await ownersOf('go')).length === 6);
    await until('it has handled something', () => go.of('handled').length === 6);
    const ours = await scene.worker(work);
    // Its locks are seen, so that it is known what it means when they are gone.
    await until('ours has looked', async () =>
      (await scene.client.info('commandstats')).includes('cmdstat_mget'),
    );
    await go.kill();
    await until('ours owns all', async () => (await ownersOf(ours.name)).length === 6, 10_000);
    await scene.publish(streams, { n: 1, last: true });
    await until('all streams are done', async () => (await inputs()) === 0);
    const done = await handled(go, [ours]);
    expect(done.ours.filter((one) => one.endsWith(' 1'))).toHaveLength(6);
  });

  it('ours is killed, and the Go peer goes on', async () => {
    const streams = named(6);
    const ours = await scene.worker(work);
    await scene.announce(streams);
    await scene.publish(streams, { n: 0 });
    await until('ours owns all', async () => (await ownersOf(ours.name)).length === 6);
    await until('and has handled something', async () => (await scene.unsettled(streams)) === 0);
    const go = await peer('go');
    await ours.kill();
    await until('the Go peer owns all', async () => (await ownersOf('go')).length === 6, 15_000);
    await scene.publish(streams, { n: 1, last: true });
    await until('all streams are done', async () => (await inputs()) === 0);
    const done = await handled(go, [ours]);
    expect(done.go.filter((one) => one.endsWith(' 1')).length).toBe(6);
    expect(done.ours.filter((one) => one.endsWith(' 0')).length).toBe(6);
  });

  it('the Go peer stands still, wakes up, and reads on until it hears: nothing of that is lost', async () => {
    const streams = named(20);
    const go = await peer('go');
    await scene.announce(streams);
    await until('it owns all', async () => (await ownersOf('go')).length === streams.length);
    const ours = await scene.worker({ ...work, idleTime: 4000 });
    go.signal('SIGSTOP');
    const owned = async () => (await ownersOf(ours.name)).length;
    await until('ours owns all', async () => (await owned()) === streams.length, 15_000, owned);
    go.signal('SIGCONT');
    const count = 40;
    for (let n = 0; n < count; n++) {
      await scene.publish(streams, { n, last: n === count - 1 });
      await pace(25);
    }
    await until('all streams are done', async () => (await inputs()) === 0, 15_000, inputs);
    const done = await handled(go, [ours]);
    expect(new Set([...done.go, ...done.ours])).toEqual(new Set(all(streams, count)));
    const pending = await Promise.all(streams.map((name) => scene.client.xpending(name, GROUP)));
    expect(pending.map(([waiting]) => waiting)).toEqual(streams.map(() => 0));
  });

  it('streams go to a newcomer of ours, and none to the Go peer', async () => {
    const streams = named(40);
    const first = await scene.worker(work);
    await scene.announce(streams);
    await until(
      'ours owns all',
      async () => (await ownersOf(first.name)).length === streams.length,
    );
    const go = await peer('go');
    const second = await scene.worker(work);
    const fewer = async () => (await ownersOf(second.name)).length;
    await until('they share', async () => (await fewer()) >= 19, 15_000, fewer);
    for (let n = 0; n < 5; n++) await scene.publish(streams, { n, last: n === 4 });
    await until('all streams are done', async () => (await inputs()) === 0, 15_000, inputs);
    expect(go.of('owned')).toEqual([]);
    const notes = (await Promise.all([first, second].map((one) => one.notes()))).flat();
    const moved = notes.filter(({ what }) => what === 'disowned');
    expect(moved.length).toBeLessThanOrEqual(20);
    expect(streams.flatMap((stream) => faultsOf(notes, stream, 5))).toEqual([]);
  });

  it('ours is killed while it hands streams over: all of them have an owner again', async () => {
    const streams = named(40);
    const first = await scene.worker(work);
    await scene.announce(streams);
    await until(
      'ours owns all',
      async () => (await ownersOf(first.name)).length === streams.length,
    );
    await peer('go');
    const second = await scene.worker(work);
    await until('it has some', async () => (await ownersOf(second.name)).length > 2, 15_000);
    await first.kill();
    await until(
      'all are owned',
      async () => {
        const owners = [...(await scene.owners()).values()];
        return owners.length === streams.length && !owners.includes(first.name);
      },
      15_000,
    );
    await scene.publish(streams, { n: 0, last: true });
    await until('all streams are done', async () => (await inputs()) === 0, 15_000, inputs);
  });

  it('a Go peer that starts later takes nothing that ours keeps alive', async () => {
    const streams = named(6);
    const ours = await scene.worker({ ...work, maxStreams: 6 });
    await scene.announce(streams);
    await until('ours owns all', async () => (await ownersOf(ours.name)).length === 6);
    const pending = await scene.client.xpending(`${SERVICE}-input`, GROUP, '-', '+', 10);
    const ids = (pending as [string][]).map(([id]) => id);
    // As if each had been owned for an hour: the older protocol takes what is so old when it starts.
    const aged = ['IDLE', 3_600_000, 'JUSTID'] as const;
    await scene.client.xclaim(`${SERVICE}-input`, GROUP, ours.name, 0, ...ids, ...aged);
    await until('the heartbeats have made them young', async () => {
      const rows = await scene.client.xpending(`${SERVICE}-input`, GROUP, '-', '+', 10);
      return (rows as [string, string, number][]).every(([, , idle]) => idle < 30_000);
    });
    const go = await peer('go');
    // It reads, too: nothing that it came upon has ended it.
    await scene.announce(['one-more']);
    await until('it owns one', async () => (await ownersOf('go')).includes('one-more'));
    expect((await ownersOf(ours.name)).sort()).toEqual([...streams].sort());
    expect(go.of('terminated')).toEqual([]);
    expect((await ours.notes()).filter(({ what }) => what === 'disowned')).toEqual([]);
  });
});

describe('shared with a Go peer of the newer protocol that acknowledges what ours has taken meanwhile', () => {
  it('ours is told, and leaves the stream to the Go peer; nothing is lost, and all streams are finished', async (context) => {
    if ('missing' in peers.standIn) return context.skip(peers.standIn.missing);
    const streams = named(20);
    const first = await scene.worker(work);
    await scene.announce(streams);
    await until(
      'ours owns all',
      async () => (await ownersOf(first.name)).length === streams.length,
    );
    const announced = await scene.client.xrange(`${SERVICE}-input`, '-', '+');
    const known = new Set(announced.map(([id]) => id));
    // The server says at once that a lock has expired. The Go peer hears that, sees that there is no
    // lock, and hesitates. Ours hears nothing: its next look takes the stream meanwhile.
    await scene.client.config('SET', 'hz', '500');
    const go = await start('standIn', 'go', { ...NEWER, HESITATION: '1000' });
    const quiet = { notifications: 'off', scanInterval: 100, rebalance: false } as const;
    const second = await scene.worker({ ...work, ...quiet });
    const count = 50;
    for (let n = 0; n < count - 1; n++) {
      await scene.publish(streams, { n });
      if (n === 5) await first.kill();
      await pace(100);
    }
    const anew = async () =>
      (await scene.client.xrange(`${SERVICE}-input`, '-', '+'))
        .filter(([id]) => !known.has(id))
        .map(([, [, said]]) => (JSON.parse(said!) as { DataStreamName: string }).DataStreamName);
    const notesOf = async (stream: string) =>
      (await second.notes()).filter((note) => note.stream === stream).map(({ what }) => what);
    const left: string[] = [];
    for (const stream of await anew()) {
      if (!(await notesOf(stream)).includes('added')) continue;
      left.push(stream);
      await until('ours is told', async () => (await notesOf(stream)).includes('disowned'));
    }
    await scene.publish(streams, { n: count - 1, last: true });
    await until('all streams are done', async () => (await inputs()) === 0, 15_000, inputs);
    const ours = (await Promise.all([first, second].map((worker) => worker.notes()))).flat();
    for (const stream of left) {
      const whats = await notesOf(stream);
      expect(whats.slice(whats.lastIndexOf('disowned'))).not.toContain('settled');
    }
    const handled = [
      ...go.of('handled').map(({ stream, n }) => `${stream} ${n}`),
      ...ours.filter(({ what }) => what === 'handled').map(({ stream, n }) => `${stream} ${n}`),
    ];
    const all = streams.flatMap((one) => Array.from({ length: count }, (_, n) => `${one} ${n}`));
    expect(new Set(handled)).toEqual(new Set(all));
    const pending = await Promise.all(streams.map((name) => scene.client.xpending(name, GROUP)));
    expect(pending.map(([waiting]) => waiting)).toEqual(streams.map(() => 0));
    if (left.length === 0) context.skip('ours took no stream while the Go peer hesitated');
  }, 60_000);
});

describe('a Go peer that dies before any look of ours', () => {
  it('has its streams taken within seconds, also where Redis was away meanwhile', async (context) => {
    if ('missing' in peers.standIn) return context.skip(peers.standIn.missing);
    for (const [round, outage] of [false, true].entries()) {
      const ours = await scene.worker({ ...work, scanInterval: 5000, maxStreams: 1 });
      await scene.announce([`own-${round}`]);
      await until('it has no room', async () => (await ownersOf(ours.name)).length === 1);
      const go = await start('standIn', `go-${round}`, OLDER);
      await scene.announce([`of-go-${round}`]);
      await until('Go owns it', async () => (await ownersOf(`go-${round}`)).length === 1);
      await go.kill();
      await scene.publish([`own-${round}`], { n: 0, last: true });
      if (outage) {
        await scene.server.kill();
        await elapse(2500);
        await scene.server.start();
      }
      const began = Date.now();
      const taken = async () => (await ownersOf(ours.name)).includes(`of-go-${round}`);
      await until('ours owns it', taken, 15_000);
      expect(Date.now() - began).toBeLessThan(9000);
      await scene.publish([`of-go-${round}`], { n: 0, last: true });
      await until('it is done', async () => (await inputs()) === 0, 15_000, inputs);
      await ours.kill();
    }
  });
});

describe('shared with Go, where no consumer is told of locks that expire', () => {
  it('the newer protocol finds what ours have left', async (context) => {
    if ('missing' in peers.standIn) return context.skip(peers.standIn.missing);
    const streams = named(6);
    const ours = await scene.worker({ ...work, notifications: 'off' });
    await scene.announce(streams);
    await until('ours owns all', async () => (await ownersOf(ours.name)).length === 6);
    await start('standIn', 'go', { ...NEWER, SCAN_INTERVAL: '300', MIN_IDLE: '2500' });
    await scene.client.config('SET', 'notify-keyspace-events', '');
    await ours.kill();
    await until('the Go peer owns all', async () => (await ownersOf('go')).length === 6, 15_000);
    await scene.publish(streams, { n: 0, last: true });
    await until('all streams are done', async () => (await inputs()) === 0);
  });
});
