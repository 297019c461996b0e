import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsNats } from '../support/nats.js';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';
import { Fates, storedNumbers } from './support/fates.js';
import { NatsScene } from './support/nats-scene.js';
import { IDLE_TIMEOUT, SLACK } from './support/worker-scene.js';

/** Longest wait between two tries to connect. */
const RECONNECT = 2000;
/** How long nothing is taken over after an outage. */
const OWNERS_RETURN = 2500;

/**
 * The server writes down deliveries and acknowledgements of consumers some 100 ms later. What is not
 * written when it is killed never was: it is delivered for the first time once more. Ms.
 */
const UNTIL_WRITTEN = 1000;

let scene: NatsScene;

describe.each(['floor', 'current'] as const)('NATS, the %s server', (version) => {
  describe('that is killed', needsNats(version), () => {
    beforeEach(async () => {
      scene = await NatsScene.open({ version });
    });
    afterEach(() => scene.close());

    it(
      'again and again under load loses no message that was confirmed, and stores none twice',
      { timeout: 120_000 },
      async () => {
        const workers = [await scene.worker('a'), await scene.worker('b')];
        const fates = new Fates(scene);
        const publishing = Promise.all([fates.flow(0, 3), fates.flow(1, 3), fates.flow(2, 3)]);
        const resumed: number[] = [];
        for (let kill = 1; kill <= 6; kill++) {
          await scene.untilHandled(scene.handled().size + 500);
          if (kill === 1) {
            // So that at least here messages are on their way.
            scene.server.freeze();
            await until('all publishers wait', () => fates.underWay === 3);
          }
          await scene.server.kill();
          await until('the workers notice', () =>
            workers.every((worker) => worker.count('disconnected') >= kill),
          );
          const atRest = scene.handled().size;
          await scene.server.start();
          const back = Date.now();
          await scene.untilHandled(atRest + 300);
          resumed.push(Date.now() - back);
        }
        fates.stop();
        await publishing;
        const stored = await storedNumbers(scene);
        await scene.untilDone([...stored.values()].flat(), 40_000);

        const { confirmed, notSent, unknown } = fates;
        const kept = [...unknown].filter((n) => stored.has(n));
        const runs = scene.notes('handled').length - scene.handled().size;
        console.log(
          `NATS ${version} killed 6 times: ${confirmed.size} published and handled, ${notSent.size} not sent, ` +
            `${unknown.size} of unknown fate (${kept.length} were stored), ${runs} handled twice, ` +
            `back at work after ${resumed.join(', ')} ms`,
        );
        for (const [n, id] of confirmed) expect(stored.get(n), String(n)).toEqual([id]);
        for (const n of unknown)
          expect(stored.get(n) ?? [], String(n)).toHaveLength(stored.has(n) ? 1 : 0);
        expect([...notSent].filter((n) => stored.has(n))).toEqual([]);
        expect(fates.others).toEqual(new Set());
        expect(notSent.size + unknown.size).toBeGreaterThan(0);
        expect(Math.max(...resumed)).toBeLessThan(RECONNECT + OWNERS_RETURN + SLACK);
        // Neither process was restarted, and none had a rejection that nothing handles.
        for (const worker of workers) expect(worker.errors).toBe('');
        expect(scene.notes('dead-lettered')).toEqual([]);
      },
    );

    it('does not repeat runs that go on while it is away', { timeout: 60_000 }, async () => {
      const workers = [await scene.worker('a'), await scene.worker('b')];
      await scene.publish(Array(80).fill({ ms: 6500 }));
      await until('all run', () => scene.notes('started').length === 80);
      await elapse(UNTIL_WRITTEN);
      await scene.server.kill();
      await elapse(1.5 * IDLE_TIMEOUT);
      await scene.server.start();
      await scene.untilDone();
      const runs = scene.notes('started').length;
      console.log(`NATS ${version} away for ${1.5 * IDLE_TIMEOUT} ms: ${runs} runs of 80`);
      expect(runs).toBe(80);
      expect(scene.notes('aborted')).toEqual([]);
      for (const worker of workers) expect(worker.has('reclaimed')).toBe(false);
    });
  });
});
