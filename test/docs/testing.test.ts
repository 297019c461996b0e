import { createServer, type AddressInfo } from 'node:net';
import { ClientsModule } from '@nestjs/microservices';
import { Test } from '@nestjs/testing';
import {
  getSourceToken,
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/testing';
import { lastValueFrom } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Warehouse } from '../../sample/docs/shop/warehouse.js';
import { OrderController } from '../../sample/docs/testing/order.controller.js';
import { testRedis, type TestRedis } from '../support/redis.js';

const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };

// Each of these defines the tests that the page shows.
describe('with vitest', async () => {
  await import('../../sample/docs/testing/order.controller.spec.js');
});
describe('with Jest', async () => {
  await import('../../sample/docs/testing/order.controller.jest.spec.js');
});
describe('load balanced', async () => {
  await import('../../sample/docs/testing/session.controller.spec.js');
});
describe('contract suites, vitest', async () => {
  await import('../../sample/docs/testing/contracts.vitest.js');
});

describe('a whole AppModule', async () => {
  const asked = vi.fn<() => void>();
  const server = createServer(asked);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const before = process.env['REDIS_URL'];
  process.env['REDIS_URL'] = `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await import('../../sample/docs/testing/app.spec.js');
  if (before === undefined) delete process.env['REDIS_URL'];
  else process.env['REDIS_URL'] = before;
  afterAll(() => {
    server.close();
    expect(asked, 'its Redis was not asked').not.toHaveBeenCalled();
  });
});

describe('the driver is overridden', () => {
  it('of a module with a name, made by a factory, and all other options hold', async () => {
    const kit = new StreamsTestKit({ keyPrefix: 'shop:' });
    const options = { port: 1, group: 'audit', keyPrefix: 'shop:' };
    const imports = [
      RedisStreamsModule.forRootAsync({ name: 'audit', useFactory: () => options }),
      StreamsModule.forRoot({ slots: new StreamsTestKit().slots, group: 'other' }),
    ];
    const module = await Test.createTestingModule({ imports })
      .overrideProvider(getSourceToken('audit'))
      .useValue(kit.source)
      .compile();
    onTestFinished(() => module.close());
    const transport = module.get<StreamsTransport>('StreamsTransport(audit)');
    const handled: unknown[] = [];
    const app = module.createNestMicroservice({ strategy: transport });
    await app.listen();
    await transport.subscribe('order.placed', (order) => void handled.push(order));
    await kit.publish('order.placed', ORDER);
    await kit.idle();
    expect(handled).toEqual([ORDER]);
    expect(kit.settled).toMatchObject([{ group: 'audit' }]);
  });

  it('of a client of ClientsModule', async () => {
    const kit = new StreamsTestKit();
    const orders = { name: 'ORDERS', customClass: RedisStreamsClient, options: { port: 1 } };
    const module = await Test.createTestingModule({
      imports: [
        ClientsModule.register([orders]),
        RedisStreamsModule.forRoot({ port: 1, group: 'test' }),
      ],
      controllers: [OrderController],
      providers: [Warehouse],
    })
      .overrideProvider(getSourceToken())
      .useValue(kit.source)
      .overrideProvider('ORDERS')
      .useValue(new StreamsClient({ slots: kit.slots }))
      .compile();
    const app = module.createNestMicroservice({ strategy: module.get(RedisStreamsTransport) });
    onTestFinished(() => app.close());
    await app.listen();
    await lastValueFrom(app.get<StreamsClient>('ORDERS').emit('order.placed', ORDER));
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
  });

  it('of a hybrid application', async () => {
    const kit = new StreamsTestKit();
    const module = await Test.createTestingModule({
      imports: [RedisStreamsModule.forRoot({ port: 1, group: 'test' })],
      controllers: [OrderController],
      providers: [Warehouse],
    })
      .overrideProvider(getSourceToken())
      .useValue(kit.source)
      .compile();
    const app = module.createNestApplication();
    onTestFinished(() => app.close());
    const strategy = module.get(RedisStreamsTransport);
    app.connectMicroservice({ strategy }, { inheritAppConfig: true });
    await app.startAllMicroservices();
    await app.init();
    await app.get(StreamPublisher).publish('order.placed', ORDER);
    await kit.idle();
    expect(kit.settled).toMatchObject([{ outcome: 'handled' }]);
  });
});

describe('on a real Redis', async () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await testRedis();
    vi.stubEnv('REDIS_URL', redis.url);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await redis.cleanup();
  });
  await import('../../sample/docs/testing/redis.spec.js');
});
