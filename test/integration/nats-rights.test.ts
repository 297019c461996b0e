import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Drainer, NatsWorld } from '../support/nats-world.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { elapse } from '../support/passing-time.js';
import { until } from '../support/until.js';

/** What the user of the application may not do. */
interface Denied {
  readonly publish?: string;
  readonly subscribe?: string;
}

const USER = { user: 'service', password: 'service' };

const without = ({ publish = '$SYS.>', subscribe = '$SYS.>' }: Denied) => ({
  authorization: {
    users: [
      { user: 'admin', password: 'admin' },
      { ...USER, permissions: { publish: { deny: [publish] }, subscribe: { deny: [subscribe] } } },
    ],
  },
});

describe.each(['floor', 'current'] as const)('rights that are missing (%s)', (version) => {
  describe('on a server', needsNats(version), () => {
    let server: TestNats;
    let world: NatsWorld;
    beforeEach(async () => {
      const client = { user: 'admin', pass: 'admin' };
      server = await testNats({ version, login: { server: { config: without({}) }, client } });
      world = new NatsWorld(server);
    });
    afterEach(async () => {
      await world.close();
      await server.cleanup();
    });

    const change = (denied: Denied): Promise<unknown> =>
      server.server.restart({ config: without(denied) });

    test('to ask for messages are told once for each stream, and it reads when it may', async () => {
      const driver = world.driver(USER);
      for (const stream of ['a', 'b']) await world.publish(driver, stream, stream);
      await change({ publish: '$JS.API.CONSUMER.MSG.NEXT.>' });
      const errors = world.record('worker-error');
      const subscription = await world.subscribe(driver, 'a', { streams: ['a', 'b'] });
      const drainer = new Drainer(driver, subscription);
      await until('both are told', () => errors.length >= 2);
      await elapse(1000);
      const told = errors.map(({ error }) => error as Error & { key?: string; code?: string });
      expect(told).toHaveLength(2);
      expect(new Set(told.map(({ key }) => key))).toEqual(
        new Set(['$JS.API.CONSUMER.MSG.NEXT.a.g', '$JS.API.CONSUMER.MSG.NEXT.b.g']),
      );
      expect(told[0]).toMatchObject({ code: 'PERMISSION_DENIED', command: 'publish' });
      expect([...subscription.trouble!().refused.keys()]).toEqual(['a', 'b']);
      await change({});
      await until('it reads', () => drainer.seen.size === 2);
      expect(subscription.trouble!().refused.size).toBe(0);
      await drainer.stop();
    });

    test('to receive are told once, and the process reads and publishes when it may', async () => {
      const driver = world.driver(USER);
      await world.publish(driver, 'a', '1');
      const drainer = new Drainer(driver, await world.subscribe(driver, 'a'));
      await until('it reads', () => drainer.seen.has('1'));
      const errors = world.record('worker-error');
      const refusals = (): number =>
        errors.filter(({ error }) => error.message.includes('subscribing to messages')).length;
      await change({ subscribe: '_INBOX.>' });
      await until('it is told', () => refusals() > 0);
      await elapse(1000);
      expect(refusals()).toBe(1);
      await change({});
      const asks = async (): Promise<boolean> => (await world.durable('a')).num_waiting > 0;
      await until('it asks again', () => asks().catch(() => false));
      await world.publish(driver, 'a', '2');
      await until('it reads again', () => drainer.seen.has('2'));
      await drainer.stop();
    });
  });
});
