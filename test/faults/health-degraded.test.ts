import { ConsumerGroupManager, StreamConsumers, StreamPublisher } from 'nestjs-redis-streams';
import { Redis } from 'ioredis';
import { expect, it, onTestFinished } from 'vitest';
import {
  asAdmin,
  becomes,
  ready,
  server,
  start,
  TIME,
  without,
  type Scene,
} from './support/health-scene.js';

/** A user with all rights but these. @returns the url of the server with its login */
async function userWithout(...commands: string[]): Promise<string> {
  const rules = ['on', 'nopass', '~*', '&*', '+@all', ...commands.map((name) => `-${name}`)];
  await asAdmin((redis) => redis.call('ACL', 'SETUSER', 'app', ...rules));
  return server.url.replace('redis://', 'redis://app:x@');
}

async function isDegraded(scene: Scene): Promise<void> {
  expect((await scene.health.readiness()).status).toBe('degraded');
  expect(scene.health.liveness().status).toBe('up');
}

it('a user who may not look at groups is degraded, until it may', TIME, async () => {
  const url = await userWithout();
  const scene = await start({ streams: { url } });
  await ready(scene);
  await userWithout('xinfo');
  await becomes(scene, 'groups-unknown');
  await isDegraded(scene);
  await userWithout();
  await without(scene, 'groups-unknown');
});

it(
  'one of two connections for reading that is broken is degraded, until it is replaced',
  TIME,
  async () => {
    const scene = await start();
    const consumer = scene.app.get(StreamConsumers).create({ stream: 'refunds', group: 'audit' });
    await consumer.start(() => true);
    onTestFinished(() => consumer.close());
    await ready(scene);
    const admin = new Redis(server.url);
    onTestFinished(() => admin.disconnect());
    const clients = ((await admin.client('LIST')) as string).trim().split('\n');
    const reader = clients.find((line) => line.includes(':reader '))!;
    // There is no room for another connection.
    await admin.config('SET', 'maxclients', clients.length - 1);
    await admin.client('KILL', 'ID', /id=(\d+)/.exec(reader)![1]!);
    await becomes(scene, 'connection-broken');
    await isDegraded(scene);
    await admin.config('SET', 'maxclients', 1000);
    await without(scene, 'connection-broken');
  },
);

it('as many retries as may wait are degraded, until some have run', TIME, async () => {
  let fails = true;
  const scene = await start({
    streams: { maxParked: 1, maxDeliveries: 1000, backoff: { delay: 2000, jitter: 0 } },
    handle: () => {
      if (fails) throw new Error('not yet');
    },
  });
  await scene.publish();
  await becomes(scene, 'reading-paused');
  await isDegraded(scene);
  fails = false;
  await without(scene, 'reading-paused');
});

it('delayed messages that cannot be published are degraded, for the window', TIME, async () => {
  const scene = await start({ health: { window: 1000 } });
  await ready(scene);
  await scene.app.get(StreamPublisher).publish('orders', {}, { delay: 1000 });
  await asAdmin((redis) => redis.multi().del('orders').set('orders', 'no stream').exec());
  await becomes(scene, 'delays');
  expect(scene.health.liveness().status).toBe('up');
  await asAdmin((redis) => redis.del('orders'));
  await without(scene, 'delays');
});

it('a background task that fails is degraded, for the window', TIME, async () => {
  const url = await userWithout();
  const scene = await start({ streams: { url }, health: { window: 3000 } });
  await ready(scene);
  await userWithout('xack');
  await scene.publish();
  await becomes(scene, 'task-failing');
  await isDegraded(scene);
  await userWithout();
  await without(scene, 'task-failing');
});

it(
  'a consumer of StreamConsumers that has ended is degraded, until it is started again',
  TIME,
  async () => {
    const scene = await start();
    await ready(scene);
    const consumer = scene.app.get(StreamConsumers).create({ stream: 'refunds', group: 'audit' });
    await consumer.start(() => true);
    const ended = consumer.closed.catch(() => undefined);
    const groups = scene.app.get(ConsumerGroupManager);
    await groups.deleteGroup('refunds', 'audit');
    await becomes(scene, 'consumer-ended');
    await ended;
    await isDegraded(scene);
    await groups.createGroup('refunds', 'audit');
    await consumer.start(() => true);
    await without(scene, 'consumer-ended');
  },
);
