import { Controller, Injectable, type INestApplicationContext } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  ConsumerGroupManager,
  RedisStreamsModule,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { GroupChanges } from '../../sample/docs/groups/group-changes.js';
import { GroupWatch } from '../../sample/docs/groups/group-watch.js';
import type { Order } from '../../sample/docs/shop/orders.js';
import { appModule, createApp } from '../support/nest-app.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
}, 30_000);
afterAll(() => redis.cleanup());

/** Keeps the ids of the orders that it is given. */
@Injectable()
class Bills {
  readonly sent: string[] = [];
}

@Controller()
class BillingController {
  constructor(private readonly bills: Bills) {}

  @StreamHandler('order.placed')
  bill(@Payload() { orderId, total }: Order): void {
    if (total === 0) throw new Error('Nothing to pay.');
    this.bills.sent.push(orderId);
  }
}

const order = (orderId: string, total = 100): Order => ({ orderId, customerId: 'c-1', total });
let applications = 0;

/** The shop with its own keys. The returned key is that of its stream. */
async function start(controllers: [typeof BillingController] | [] = [BillingController]) {
  const keyPrefix = `${redis.prefix}${++applications}:`;
  const app = await createApp(
    appModule({
      imports: [
        RedisStreamsModule.forRoot({
          url: redis.url,
          keyPrefix,
          group: 'billing',
          reclaimInterval: 50,
          blockTimeout: 100,
          backoff: { type: 'fixed', delay: 1 },
          maxDeliveries: 100_000,
        }),
      ],
      controllers,
      providers: [GroupWatch, GroupChanges, Bills],
    }),
  );
  onTestFinished(() => app.close());
  await app.listen();
  return { app, key: `${keyPrefix}order.placed`, ...services(app) };
}

const services = (app: INestApplicationContext) => ({
  watch: app.get(GroupWatch),
  changes: app.get(GroupChanges),
  groups: app.get(ConsumerGroupManager),
  publisher: app.get(StreamPublisher),
  sent: app.get(Bills).sent,
});

it('a group that is watched tells of messages that are old, and of those that run again and again', async () => {
  const { watch, publisher, groups } = await start();
  expect([await watch.isStuck(), await watch.troubled()]).toEqual([false, []]);
  await publisher.publish('order.placed', order('o-0', 0));
  await until('three runs', async () => (await watch.troubled()).length === 1);
  expect(await watch.isStuck()).toBe(false);

  // Older than all others: its id says that it was published a minute ago.
  const { key, watch: other } = await start();
  const minute = Date.now() - 61_000;
  await redis.client.xadd(
    key,
    `${minute}-0`,
    ...['event_type', 'order.placed', 'payload', JSON.stringify(order('o-1', 0))],
  );
  await until('it is pending', async () => (await other.troubled()).length === 1);
  expect(await other.isStuck()).toBe(true);
  expect(await groups.listGroups('order.placed')).toEqual(['billing']);
});

it('a group begins where its creator says, and reads again what it is moved back to', async () => {
  const { changes, groups, publisher, sent } = await start([]);
  await publisher.publish('order.placed', order('before'));
  expect(await changes.createBeforeDeploy()).toBe(true);
  expect(await changes.createBeforeDeploy()).toBe(false);
  const created = await groups.getGroupInfo('order.placed', 'billing');
  expect(created).toMatchObject({ pending: 0, lag: 0, oldestPendingId: null });
  expect(sent).toEqual([]);
});

it('what was published since a time is handled again', async () => {
  const { changes, publisher, sent, key } = await start();
  await redis.client.xadd(
    key,
    '1000-0',
    ...['event_type', 'order.placed', 'payload', JSON.stringify(order('of 1970'))],
  );
  const id = await publisher.publish('order.placed', order('o-1'));
  await until('both are handled', () => sent.length === 2);
  await changes.replaySince(new Date(Number(id.split('-')[0])));
  await until('the later one is handled again', () => sent.length === 3);
  expect(sent).toEqual(['of 1970', 'o-1', 'o-1']);
});

it('a consumer that is gone is replaced, and the group deleted for good until it is created', async () => {
  const { changes, groups, publisher, sent, key } = await start();
  const id = await publisher.publish('order.placed', order('o-1'));
  await until('it is acknowledged', async () => {
    const { lag, pending } = await groups.getGroupInfo('order.placed', 'billing');
    return lag === 0 && pending === 0;
  });
  const [consumer] = await groups.listConsumers('order.placed', 'billing');
  await redis.client.xclaim(key, 'billing', 'gone', 0, id, 'FORCE', 'JUSTID');
  await expect(groups.removeConsumer('order.placed', 'billing', 'gone')).rejects.toMatchObject({
    code: 'CONSUMER_HAS_PENDING',
  });
  expect(await changes.replace('gone', consumer!.name)).toBe(1);
  await until('it is handled again', () => sent.length === 2);

  expect(await changes.retire()).toBe(true);
  expect(await groups.listGroups('order.placed')).toEqual([]);
  await publisher.publish('order.placed', order('o-2'));
  await groups.createGroup('order.placed', 'billing', { startId: '$' });
  await publisher.publish('order.placed', order('o-3'));
  await until('the group is read again', () => sent.length === 3);
  expect(sent.at(-1)).toBe('o-3');
});
