import { Controller, type INestMicroservice } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, type AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  redis,
  RedisStreamsModule,
  StreamContext,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
  type RedisStreamsModuleOptions,
  type StreamHandlerOptions,
} from 'nestjs-redis-streams';
import {
  StreamsHealth,
  StreamsHealthModule,
  type HealthCode,
  type StreamsHealthModuleOptions,
} from 'nestjs-redis-streams/health';
import { Redis } from 'ioredis';
import { afterEach, beforeEach } from 'vitest';
import type {
  DriverFactory,
  MessageSource,
  SubscribeOptions,
  Subscription,
} from 'nestjs-redis-streams/driver';
import { driverWith } from '../../support/driver-with.js';
import { appModule } from '../../support/nest-app.js';
import { startRedis, type RedisServer } from '../../support/redis-server.js';
import { until } from '../../support/until.js';

export const TIME = { timeout: 40_000 };
export const BLOCK_TIMEOUT = 1000;
/** What depends on the machine, and on how busy it is. */
export const MACHINE: HealthCode[] = ['event-loop-blocked', 'fallback'];

/** The server of the test under way. */
export let server: RedisServer;
beforeEach(async () => {
  server = await startRedis();
});
const apps: INestMicroservice[] = [];
/** Let go what handlers wait for. Called before the applications are closed. */
export const gates: (() => void)[] = [];
afterEach(async () => {
  for (const open of gates.splice(0)) open();
  // Before the server, for which they would wait.
  await Promise.all(apps.splice(0).map((app) => app.close()));
  await server.stop();
});

/** Does something as a user with all rights. */
export async function asAdmin(work: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = new Redis(server.url);
  await work(redis);
  redis.disconnect();
}

export interface Given {
  readonly streams?: Partial<RedisStreamsModuleOptions>;
  readonly health?: StreamsHealthModuleOptions;
  readonly handler?: StreamHandlerOptions;
  readonly handle?: (context: StreamContext) => unknown;
  /** While it returns a promise, reads end with that. */
  readonly stuck?: () => Promise<void> | undefined;
}

/** Redis, whose reads a test can hold up. */
const heldUp = (stuck: () => Promise<void> | undefined): DriverFactory =>
  driverWith(redis({ url: server.url }), ({ source }) => ({
    source: Object.assign(Object.create(source) as MessageSource, {
      subscribe: async (options: SubscribeOptions) => {
        const subscription = await source.subscribe(options);
        const pull = async (limit: number): Promise<unknown> => {
          await stuck();
          return subscription.pull(limit);
        };
        return Object.assign(Object.create(subscription) as Subscription, { pull });
      },
    }),
  }));

export interface Scene {
  readonly app: INestMicroservice;
  readonly health: StreamsHealth;
  readonly publish: () => Promise<string>;
}

/** An application that reads the stream `orders` in the group `billing`. */
export async function start(given: Given = {}): Promise<Scene> {
  const scene = await create(given);
  await scene.app.listen();
  return scene;
}

/** As `start`, before it listens. */
export async function create({
  streams,
  health,
  handler = {},
  handle,
  stuck,
}: Given): Promise<Scene> {
  @Controller()
  class Orders {
    @StreamHandler('orders', handler)
    run(@Ctx() context: StreamContext): unknown {
      return handle?.(context);
    }
  }
  const common = { group: 'billing', blockTimeout: BLOCK_TIMEOUT };
  const module = appModule({
    imports: [
      stuck
        ? StreamsModule.forRoot({ slots: { messageSource: heldUp(stuck) }, ...common })
        : RedisStreamsModule.forRoot({ url: server.url, ...common, ...streams }),
      StreamsHealthModule.forRoot({
        // A busy machine is no silent server.
        ...{ timeout: 5000, cacheFor: 0, controller: false, ignore: MACHINE },
        ...health,
      }),
    ],
    controllers: [Orders],
  });
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(module, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
    logger: false,
  });
  apps.push(app);
  const publisher = app.get(StreamPublisher);
  const publish = (): Promise<string> => publisher.publish('orders', { total: 1 });
  return { app, health: app.get(StreamsHealth), publish };
}

export const codesOf = async ({ health }: Scene): Promise<HealthCode[]> =>
  (await health.readiness()).causes.map(({ code }) => code);

export const ready = (scene: Scene): Promise<void> =>
  until(
    'it is ready',
    async () => (await scene.health.readiness()).status !== 'down',
    15_000,
    async () => JSON.stringify(await scene.health.readiness()),
  );

export const becomes = (scene: Scene, code: HealthCode): Promise<void> =>
  until(
    `readiness tells of ${code}`,
    async () => (await codesOf(scene)).includes(code),
    15_000,
    async () => JSON.stringify(await scene.health.readiness()),
  );

export const without = (scene: Scene, code: HealthCode): Promise<void> =>
  until(
    `readiness does not tell of ${code} any more`,
    async () => !(await codesOf(scene)).includes(code),
    15_000,
    async () => JSON.stringify(await scene.health.readiness()),
  );
