import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Drainer, NatsWorld } from '../support/nats-world.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { pace } from '../support/passing-time.js';
import { until } from '../support/until.js';

const MANY = 2000;
const VERSIONS = ['floor', 'current'] as const;

describe('reading from NATS while its server is killed', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('%s version', (version) => {
    let server: TestNats;
    let world: NatsWorld;
    beforeEach(async () => {
      server = await testNats({ version });
      world = new NatsWorld(server);
    });
    afterEach(async () => {
      await world.close();
      await server.cleanup();
    });

    test('nothing is lost, and reading goes on within seconds of the start', async () => {
      const driver = world.driver();
      const drainers: Drainer[] = [];
      for (const consumer of ['a', 'b']) {
        const own = world.driver();
        drainers.push(world.drainer(own, await world.subscribe(own, 'orders', { consumer })));
      }
      const seen = () => new Set(drainers.flatMap((one) => [...one.seen.keys()]));
      const published = new Set<string>();
      const publishing = (async () => {
        for (let at = 0; at < MANY; at++) {
          const value = `v${at}`;
          // What is unknown may be there: it is published again.
          while (!published.has(value)) {
            await world.publish(driver, 'orders', value).then(
              () => published.add(value),
              () => pace(20),
            );
          }
        }
      })();
      for (let kill = 1; kill <= 3; kill++) {
        await until('some are handled', () => seen().size > (kill * MANY) / 5);
        const before = seen().size;
        await server.server.kill();
        await server.server.start();
        const began = performance.now();
        await until('it goes on', () => seen().size > before + 50);
        expect(performance.now() - began).toBeLessThan(10_000);
      }
      await publishing;
      await until('all are handled', () => seen().size === MANY);
      // Acknowledgements that the server had not stored are lost with it: those messages come again.
      await until('all is settled', async () => {
        const { num_ack_pending, num_pending } = await world.durable('orders');
        return num_ack_pending + num_pending === 0;
      });
      for (const drainer of drainers) await drainer.stop();
    });
  });
});
