import { afterEach, describe, expect, it } from 'vitest';
import { needsOwnKafka } from '../support/kafka.js';
import { until } from '../support/until.js';
import { Fates, storedNumbers } from './support/fates.js';
import { KafkaScene } from './support/kafka-scene.js';
import { IDLE_TIMEOUT, SLACK } from './support/worker-scene.js';

/** A group finds its coordinator, joins and reads again. */
const REJOINED = 2 * IDLE_TIMEOUT + 3000;
/** Runs whose settlements no coordinator has taken before the members were expelled, for each kill. */
const MOST_AGAIN = 1000;

let scene: KafkaScene;

describe.each([
  ['a broker', 4, () => KafkaScene.open()],
  ['the leader of a partition, one of three brokers', 4, () => KafkaScene.onCluster()],
  [
    'the coordinator of the group, one of three brokers',
    2,
    () => KafkaScene.onCluster('__consumer_offsets'),
  ],
] as const)('Kafka: %s', (what, kills, open) => {
  describe('that is killed', needsOwnKafka(), () => {
    afterEach(() => scene.close());

    it(
      'again and again under load loses no message that was confirmed, and stores none twice',
      { timeout: 180_000 },
      async () => {
        scene = await open();
        const workers = [await scene.worker('a'), await scene.worker('b')];
        const fates = new Fates(scene);
        const publishing = Promise.all([fates.flow(0, 3), fates.flow(1, 3), fates.flow(2, 3)]);
        const resumed: number[] = [];
        for (let kill = 1; kill <= kills; kill++) {
          await scene.untilHandled(scene.handled().size + 500);
          await scene.server.kill();
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
          `Kafka, ${what} killed ${kills} times: ${confirmed.size} published and handled, ${notSent.size} not sent, ` +
            `${unknown.size} of unknown fate (${kept.length} were stored), ${runs} handled twice, ` +
            `back at work after ${resumed.join(', ')} ms`,
        );
        for (const [n, id] of confirmed) expect(stored.get(n), String(n)).toEqual([id]);
        for (const n of unknown)
          expect(stored.get(n) ?? [], String(n)).toHaveLength(stored.has(n) ? 1 : 0);
        expect([...notSent].filter((n) => stored.has(n))).toEqual([]);
        expect(fates.others).toEqual(new Set());
        expect(runs).toBeLessThan(kills * MOST_AGAIN);
        expect(Math.max(...resumed)).toBeLessThan(REJOINED + SLACK);
        // Neither process was restarted, and none had a rejection that nothing handles.
        for (const worker of workers) expect(worker.errors).toBe('');
        expect(scene.notes('dead-lettered')).toEqual([]);
      },
    );
  });
});

describe('Kafka that is killed while runs go on', needsOwnKafka(), () => {
  afterEach(() => scene.close());

  it('lets them end, and runs them once', { timeout: 60_000 }, async () => {
    scene = await KafkaScene.open();
    // A broker that comes back counts the session from when it has read the group, which is before it
    // takes connections: on an idle machine by more than a second.
    await scene.worker('a', { concurrency: 100, idleTimeout: 10_000 });
    const ids = await scene.publish(Array(60).fill({ ms: 6500 }));
    await until(
      'all run',
      () => scene.notes('started').length === 60,
      15_000,
      () => `${scene.notes('started').length} do`,
    );
    await scene.server.kill();
    await scene.server.start();
    await scene.untilDone(ids, 40_000);
    const runs = scene.notes('started').length;
    console.log(`Kafka away while 60 runs go on: ${runs} runs`);
    expect(scene.notes('aborted')).toEqual([]);
    expect(runs).toBe(60);
  });
});
