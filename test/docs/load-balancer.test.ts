import { Logger, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { Redis } from 'ioredis';
import {
  LoadBalancer,
  LoadBalancerModule,
  RedisStreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { beforeAll, expect, it, onTestFinished, vi } from 'vitest';
import type { FrontDesk } from '../../sample/docs/load-balancer/front-desk.js';
import { SessionWorker } from '../../sample/docs/load-balancer/session-worker.js';
import { Sessions, type SessionEvent } from '../../sample/docs/load-balancer/sessions.js';
import { appModule } from '../support/nest-app.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
  return () => server.stop();
});

const applied: { by: string; session: string; page: string; token: number }[] = [];

/** The application of the page, under the name that its pod gives it. */
async function startWorker(name: string): Promise<INestMicroservice> {
  vi.stubEnv('POD_NAME', name);
  const { AppModule } = await import('../../sample/docs/load-balancer/app.module.js');
  const apply = async (session: string, { page }: SessionEvent, token: number) => {
    applied.push({ by: name, session, page, token });
  };
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(Sessions)
    .useValue({ apply })
    .compile();
  module.useLogger(false);
  const app = module.createNestMicroservice({ strategy: module.get(StreamsTransport) });
  onTestFinished(() => app.close());
  await app.listen();
  return app;
}

async function startFront(): Promise<FrontDesk> {
  const { FrontModule } = await import('../../sample/docs/load-balancer/front.module.js');
  const { FrontDesk } = await import('../../sample/docs/load-balancer/front-desk.js');
  const app = await NestFactory.createApplicationContext(FrontModule, { logger: false });
  onTestFinished(() => app.close());
  return app.get(FrontDesk);
}

it('a session has one owner, goes on at the next one, and ends', async () => {
  vi.stubEnv('REDIS_URL', server.url);
  const redis = new Redis(server.url);
  onTestFinished(() => redis.disconnect());
  const log = vi.spyOn(Logger.prototype, 'log');
  const front = await startFront();
  const ada = await startWorker('ada');
  await front.begin('session-1', 'c-1');
  for (const page of ['/', '/cart']) await front.record('session-1', { kind: 'visited', page });
  await until('both are applied', () => applied.length === 2);
  expect(log).toHaveBeenCalledWith('session-1 is ours', { customerId: 'c-1' });

  await startWorker('bob');
  await ada.close();
  await front.record('session-1', { kind: 'logged-out', page: '/bye' });
  await until('the next owner has gone on', () => applied.length === 3);
  await until('the session is completed', async () => (await redis.xlen('sessions-input')) === 0);
  expect(applied.map(({ by, page }) => [by, page])).toEqual([
    ['ada', '/'],
    ['ada', '/cart'],
    ['bob', '/bye'],
  ]);
  const [first, second, third] = applied.map(({ token }) => token) as [number, number, number];
  expect(second).toBe(first);
  expect(third).toBeGreaterThan(second);
  expect((await redis.xinfo('GROUPS', 'session-1')) as unknown[]).toMatchObject([
    expect.arrayContaining(['sessions-group']),
  ]);
});

it('without a handler, a worker hears of its streams, and takes those that expire', async () => {
  const start = async (consumerId: string) => {
    const imports = [
      RedisStreamsModule.forRoot({ url: server.url, group: 'shop' }),
      LoadBalancerModule.forRoot({ service: 'carts', consumerId, scanInterval: 200 }),
    ];
    const module = appModule({ imports, providers: [SessionWorker] });
    const app = await NestFactory.createApplicationContext(module, { logger: false });
    onTestFinished(() => app.close());
    return { app, owned: app.get(SessionWorker).owned };
  };
  const ada = await start('ada');
  await ada.app.get(LoadBalancer).addStream('cart-1');
  await until('it has an owner', () => ada.owned.has('cart-1'));
  const bob = await start('bob');
  await ada.app.close();
  expect(ada.owned).toEqual(new Set());
  await until('it has another owner', () => bob.owned.has('cart-1'));
});
