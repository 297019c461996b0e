import { jetstreamManager } from '@nats-io/jetstream';
import { Logger } from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Warehouse } from '../../sample/docs/coming-from/warehouse.js';
import { orderOf, publisherOf, started } from '../support/coming-from.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { startApp } from '../support/nest-app.js';
import { until } from '../support/until.js';

type Programs = typeof import('../../sample/docs/coming-from/nest-nats/after.orders.js');

describe('docs/coming-from/nest-nats.md', needsNats(), () => {
  let server: TestNats;
  let before: typeof import('../../sample/docs/coming-from/nest-nats/before.orders.js');
  let both: typeof import('../../sample/docs/coming-from/nest-nats/both.orders.js');
  let after: Programs;
  let unchanged: typeof import('../../sample/docs/coming-from/nest-nats/unchanged-producers.orders.js');
  beforeAll(async () => {
    Logger.overrideLogger(false);
    server = await testNats();
    // The programs read it when they are imported.
    vi.stubEnv('NATS_URL', server.url);
    before = await import('../../sample/docs/coming-from/nest-nats/before.orders.js');
    both = await import('../../sample/docs/coming-from/nest-nats/both.orders.js');
    after = await import('../../sample/docs/coming-from/nest-nats/after.orders.js');
    unchanged =
      await import('../../sample/docs/coming-from/nest-nats/unchanged-producers.orders.js');
  });
  afterAll(() => server.cleanup());
  beforeEach(async () => {
    const { streams } = await jetstreamManager(server.client);
    for await (const { config } of streams.list()) await streams.delete(config.name);
  });
  const unsettled = async (name: string): Promise<number> => {
    const { consumers } = await jetstreamManager(server.client);
    const { num_pending, num_ack_pending } = await consumers.info(name, 'order-service');
    return num_pending + num_ack_pending;
  };

  it('before: an event goes to one process that listens, and a request is answered', async () => {
    const apps = [await started(before.bootstrap), await started(before.bootstrap)];
    const checkout = apps[0]!.app.get(before.Checkout);
    await checkout.buy(orderOf('o-1'));
    await until('it is reserved', () => apps.flatMap((app) => app.reserved()).length === 1);
    expect(await checkout.sum([orderOf('a', 3), orderOf('b', 4)])).toBe(7);
  });

  it('both: each event is handled once, of each transport', async () => {
    const app = await started(both.bootstrap);
    const old = (await publisherOf(before.AppModule)).app.get(before.Checkout);
    const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
    await old.buy(orderOf('o-1'));
    await checkout.buy(orderOf('o-2'));
    await until('all is settled', async () => (await unsettled('js_order_placed')) === 0);
    await until('both are reserved', () => app.reserved().length >= 2);
    expect(app.reserved().toSorted()).toEqual(['o-1', 'o-2']);
  });

  it('after: one process gets an event, also one that was published before it started', async () => {
    const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
    await checkout.buy(orderOf('o-1'));
    const apps = [await started(after.bootstrap), await started(after.bootstrap)];
    await checkout.buy(orderOf('o-2'));
    const reserved = (): string[] => apps.flatMap((app) => app.reserved());
    await until('both are reserved', () => reserved().length >= 2);
    await until('all is settled', async () => (await unsettled('js_order_placed')) === 0);
    expect(reserved().toSorted()).toEqual(['o-1', 'o-2']);
  });

  it('after: a wildcard matches several words, and a request is answered', async () => {
    const log = vi.spyOn(Logger.prototype, 'log');
    const checkout = (await publisherOf(after.AppModule)).app.get(after.Checkout);
    await started(after.bootstrap);
    await checkout.track('lamp');
    const isTracked = (): boolean => log.mock.calls.some(([text]) => text === 'parcel.packed.eu');
    await until('it is tracked', isTracked);
    expect(await checkout.sum([orderOf('a', 3), orderOf('b', 4)])).toBe(7);
  });

  it('unchanged producers: what they emit waits for the service, and runs again', async () => {
    const first = await started(unchanged.bootstrap);
    await first.close();
    const old = (await publisherOf(before.AppModule)).app.get(before.Checkout);
    await old.buy(orderOf('o-1'));
    const app = await started(unchanged.bootstrap);
    await until('it is reserved', () => app.reserved().length >= 1);
    app.failOnce();
    await old.buy(orderOf('o-2'));
    await until('it is reserved again', () => app.reserved().length >= 3);
    expect(app.reserved()).toEqual(['o-1', 'o-2', 'o-2']);
  });
});

it('after: the same controller runs on another driver', async () => {
  vi.stubEnv('NATS_URL', undefined);
  const after = await import('../../sample/docs/coming-from/nest-nats/after.orders.js');
  const { outcome } = await startApp({
    controllers: [after.OrderController],
    providers: [Warehouse],
    options: { routes: [{ events: 'parcel.*', stream: 'parcels' }] },
  });
  expect(await outcome('parcel.packed.eu', { parcel: 'lamp' })).toMatchObject({
    outcome: 'handled',
  });
});
