import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ack, release, retry } from '../../lib/core/settlement.js';
import type { Lease } from '../../lib/core/lease.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { NatsWorld } from '../support/nats-world.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { elapse } from '../support/passing-time.js';
import { startProxy, type Proxy } from '../support/proxy.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';

const STREAM = 'orders';

async function take(subscription: Subscription, count: number): Promise<Lease[]> {
  const leases: Lease[] = [];
  await until(`${count} came`, async () => {
    leases.push(...(await subscription.pull(count - leases.length)));
    return leases.length === count;
  });
  return leases;
}

describe.each(['floor', 'current'] as const)('settling on NATS (%s)', (version) => {
  describe('a server', needsNats(version), () => {
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

    describe('over a connection that breaks', () => {
      let proxy: Proxy;
      let behind: NatsWorld;
      let driver: Driver;
      beforeEach(async () => {
        proxy = await startProxy(server.url);
        behind = new NatsWorld({ ...server, url: proxy.url });
        driver = behind.driver();
      });
      afterEach(async () => {
        await behind.close();
        await proxy.close();
      });

      /** Settles while the server hears nothing, and breaks the connection then. */
      async function settleInVain(leases: readonly Lease[]): Promise<unknown[]> {
        proxy.stall();
        const settling = driver.source.settle(leases.map((lease) => ({ lease, settlement: ack })));
        await elapse(50);
        proxy.cut();
        proxy.resume();
        return settling;
      }

      test('no acknowledgement is told as settled that the server has not got', async () => {
        await behind.publish(driver, STREAM, 'a', 'b', 'c');
        const subscription = await behind.subscribe(driver, STREAM, { idleTimeout: 30_000 });
        const leases = await take(subscription, 3);
        // One has a record, which takes round trips to write: a later connection carries its acknowledgement.
        await driver.source.settle([{ lease: leases[2]!, settlement: retry(0) }]);
        expect(await subscription.begin(leases[2]!)).toBe('started');
        const outcomes = await settleInVain(leases);
        expect(outcomes.slice(0, 2)).toMatchObject([
          { code: 'NATS_CONNECTION', outcome: 'unknown' },
          { code: 'NATS_CONNECTION', outcome: 'unknown' },
        ]);
        const left = leases.filter((_, at) => outcomes[at] instanceof Error);
        const again = await driver.source.settle(
          left.map((lease) => ({ lease, settlement: ack }) as const),
        );
        expect(again).toEqual(left.map(() => 'settled'));
        expect((await world.durable(STREAM)).num_ack_pending).toBe(0);
      });
    });

    test('an acknowledgement that the server does not hear is told to the next run by its record', async () => {
      const proxy = await startProxy(server.url);
      const behind = new NatsWorld({ ...server, url: proxy.url });
      const driver = behind.driver();
      await behind.publish(driver, STREAM, 'a', 'b');
      const subscription = await behind.subscribe(driver, STREAM, { idleTimeout: 1000 });
      const leases = await take(subscription, 2);
      // As a server that stops: it answers, but its durables hear nothing any more.
      proxy.rewrite = { requests: (text) => text.replaceAll('$JS.ACK.', '$JS.ACX.') };
      const settlings = leases.map((lease) => ({ lease, settlement: ack }) as const);
      expect(await driver.source.settle(settlings)).toEqual(['settled', 'settled']);
      expect((await world.durable(STREAM)).num_ack_pending).toBe(2);
      proxy.rewrite = {};
      await until('the server has heard it', async () => {
        expect(await subscription.pull(2)).toEqual([]);
        return (await world.durable(STREAM)).num_ack_pending === 0;
      });
      await behind.close();
      await proxy.close();
    });

    test('why entries cannot be claimed is told once, and they come once they can', async () => {
      const errors = world.record('worker-error');
      const driver = world.driver();
      await world.publish(driver, STREAM, 'a', 'b');
      const first = await world.subscribe(driver, STREAM, { idleTimeout: 300 });
      const [lease] = await take(first, 2);
      // The bucket of records is made with this one, and has room for no other then.
      await driver.source.settle([{ lease: lease!, settlement: release }]);
      const { config } = await world.api<{ config: object }>('STREAM.INFO.KV_streams-runs');
      const limit = (max_msgs: number) =>
        world.api('STREAM.UPDATE.KV_streams-runs', { ...config, max_msgs });
      await limit(1);
      await first.close();

      const looks = world.watch('STREAM.MSG.GET.KV_streams-runs');
      const second = await world.subscribe(world.driver(), STREAM, {
        ...{ consumer: 'other', idleTimeout: 300 },
      });
      const came: Lease[] = [];
      await until('it was tried a few times', async () => {
        came.push(...(await second.pull(2)));
        return looks.count >= 5;
      });
      expect(errors).toMatchObject([
        { worker: 'reclaimer', error: { message: expect.stringContaining('maximum messages') } },
      ]);
      await limit(-1);
      came.push(...(await take(second, 2 - came.length)));
      expect(new Set(came.map(({ fields }) => fields!.at(-1)))).toEqual(new Set(['a', 'b']));
    });
  });

  test(
    'an acknowledgement that this user may not send is not told as settled',
    needsNats(version),
    async () => {
      const user = { user: 'orders', password: secret('user') };
      const admin = { user: 'admin', password: secret('server') };
      const permissions = { publish: { deny: ['$JS.ACK.>'] } };
      const users = [{ ...user, permissions }, admin];
      const client = { user: 'admin', pass: secret('server') };
      const login = { server: { config: { authorization: { users } } }, client };
      const server = await testNats({ version, login });
      onTestFinished(() => server.cleanup());
      const world = new NatsWorld(server);
      onTestFinished(() => world.close());
      const driver = world.driver({ ...user, requestTimeout: 300 });
      await world.publish(driver, STREAM, 'a', 'b');
      const leases = await take(await world.subscribe(driver, STREAM), 2);
      expect(
        await driver.source.settle(leases.map((lease) => ({ lease, settlement: ack }))),
      ).toMatchObject(leases.map(() => ({ code: 'PERMISSION_DENIED' })));
    },
  );
});
