import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { Fates, storedNumbers } from './support/fates.js';
import { PostgresScene } from './support/postgres-scene.js';
import { SLACK, STREAM } from './support/worker-scene.js';

/** Longest wait between two tries to connect. */
const RECONNECT = 2000;
/** Share of a core that waiting for a server may take. */
const LITTLE = 0.15;

let scene: PostgresScene;
beforeEach(async () => {
  scene = await PostgresScene.open();
});
afterEach(() => scene.close());

describe('a server that is killed again and again under load', () => {
  it(
    'loses no message that was confirmed, and stores none twice',
    { timeout: 120_000 },
    async () => {
      const workers = [await scene.worker('a'), await scene.worker('b')];
      const fates = new Fates(scene);
      const publishing = Promise.all([fates.flow(0, 3), fates.flow(1, 3), fates.flow(2, 3)]);
      const open = new Set<string>();
      const resumed: number[] = [];
      for (let kill = 1; kill <= 6; kill++) {
        const before = scene.handled().size;
        await scene.untilHandled(before + 500);
        await scene.server.kill(kill % 2 > 0 ? 'SIGKILL' : 'SIGQUIT');
        await until('the workers notice', () =>
          workers.every((worker) => worker.count('disconnected') >= kill),
        );
        const atRest = scene.handled().size;
        await scene.server.start();
        const back = Date.now();
        for (const id of await scene.pending()) open.add(id);
        await scene.untilHandled(atRest + 300);
        resumed.push(Date.now() - back);
      }
      fates.stop();
      await publishing;
      const stored = await storedNumbers(scene);
      const ids = [...stored.values()].flat();
      await scene.untilDone(ids, 40_000);

      const { confirmed, notSent, unknown } = fates;
      const kept = [...unknown].filter((n) => stored.has(n));
      console.log(
        `PostgreSQL killed 6 times: ${confirmed.size} published and handled, ${notSent.size} not sent, ` +
          `${unknown.size} of unknown fate (${kept.length} were stored), ${scene.duplicates().length} handled twice ` +
          `of ${open.size} pending across restarts, back at work after ${resumed.join(', ')} ms`,
      );
      for (const [n, id] of confirmed) expect(stored.get(n), String(n)).toEqual([id]);
      for (const n of unknown)
        expect(stored.get(n) ?? [], String(n)).toHaveLength(stored.has(n) ? 1 : 0);
      expect([...notSent].filter((n) => stored.has(n))).toEqual([]);
      expect(fates.others).toEqual(new Set());
      expect(notSent.size + unknown.size).toBeGreaterThan(0);
      expect(scene.duplicates().filter((id) => !open.has(id))).toEqual([]);
      expect(Math.max(...resumed)).toBeLessThan(RECONNECT + SLACK);
      // Neither process was restarted, and none had a rejection that nothing handles.
      for (const worker of workers) expect(worker.errors).toBe('');
      expect(scene.notes('dead-lettered')).toEqual([]);
    },
  );

  it('runs that go on while it is away are not repeated', { timeout: 60_000 }, async () => {
    const workers = [await scene.worker('a'), await scene.worker('b')];
    await scene.publish(Array(80).fill({ ms: 6500 }));
    await until('all run', () => scene.notes('started').length === 80);
    await scene.server.kill();
    await elapse(1800);
    await scene.server.start();
    await scene.untilDone();
    expect(scene.notes('started')).toHaveLength(80);
    expect(scene.notes('aborted')).toEqual([]);
    for (const worker of workers) expect(worker.has('reclaimed')).toBe(false);
  });
});

describe('a server that is away', () => {
  it('is asked for seldom, and costs little', { timeout: 60_000 }, async () => {
    const worker = await scene.worker('worker');
    await scene.flow(300);
    await scene.untilDone();
    await scene.server.kill();
    await until('it notices', () => worker.has('disconnected'));
    const listening = await standIn(scene.server.port);
    const asked = () => listening.tries;
    await elapse(RECONNECT);
    const [triesBefore, cpuBefore, began] = [asked(), await worker.cpu(), performance.now()];
    await elapse(4000);
    const seconds = (performance.now() - began) / 1000;
    const tries = (asked() - triesBefore) / seconds;
    const share = ((await worker.cpu()) - cpuBefore) / 1000 / seconds;
    await listening.close();
    await scene.server.start();
    await scene.flow(100);
    await scene.untilDone();
    console.log(
      `PostgreSQL away: ${tries.toFixed(1)} tries to connect per second, ${Math.round(share * 1000) / 10} % of a core`,
    );
    expect(tries).toBeGreaterThan(0);
    expect(tries).toBeLessThan(20);
    expect(share).toBeLessThan(LITTLE);
    // Each part of the process tells of each reason once.
    expect(worker.count('worker-error')).toBeLessThan(10);
    expect(worker.count('disconnected')).toBeLessThan(3);
    expect(worker.errors).toBe('');
  });

  it('costs little memory with 10,000 messages waiting', { timeout: 90_000 }, async () => {
    const { producer } = scene.publisher;
    await producer.publish({ eventType: 'order', payload: {}, stream: STREAM });
    scene.server.freeze();
    const before = process.memoryUsage.rss();
    const publishing = Promise.allSettled(
      Array.from({ length: 10_000 }, (_, n) =>
        producer.publish({
          eventType: 'order',
          payload: { n, text: 'x'.repeat(200) },
          stream: STREAM,
        }),
      ),
    );
    await elapse(3000);
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    scene.server.thaw();
    const settled = await publishing;
    const stored = await storedNumbers(scene);
    const refused = settled.filter(({ status }) => status === 'rejected').length;
    console.log(
      `PostgreSQL frozen: 10,000 messages that wait take ${Math.round(grown)} MiB, ${refused} were refused`,
    );
    expect(grown).toBeLessThan(150);
    for (const [n, { status }] of settled.entries()) {
      if (status === 'fulfilled') expect(stored.get(n), String(n)).toHaveLength(1);
      else expect((stored.get(n) ?? []).length).toBeLessThan(2);
    }
    // It works on.
    await producer.publish({ eventType: 'order', payload: {}, stream: STREAM });
  });
});

/** Takes connections in place of the server, counts them, and ends them at once. */
async function standIn(port: number): Promise<{ readonly tries: number; close(): Promise<void> }> {
  let tries = 0;
  const server: Server = createServer((socket) => {
    tries++;
    socket.on('error', () => undefined).destroy();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  expect((server.address() as AddressInfo).port).toBe(port);
  return {
    get tries() {
      return tries;
    },
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}
