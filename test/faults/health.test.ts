import { ConsumerGroupManager, StreamPublisher, UnrecoverableError } from 'nestjs-redis-streams';
import { expect, it } from 'vitest';
import { until } from '../support/until.js';
import {
  BLOCK_TIMEOUT,
  MACHINE,
  TIME,
  asAdmin,
  becomes,
  codesOf,
  create,
  gates,
  ready,
  server,
  start,
  without,
} from './support/health-scene.js';

it('before it listens it is alive and not ready, then it is up', TIME, async () => {
  const scene = await create({});
  await scene.app.init();
  expect(scene.health.liveness().status).toBe('up');
  expect(await scene.health.readiness()).toMatchObject({
    status: 'down',
    causes: [{ transport: 'default', code: 'not-started', status: 'down' }],
  });
  await scene.app.listen();
  await ready(scene);
  await scene.app.close();
  expect(await codesOf(scene)).toEqual(['stopping']);
});

it('an application that only publishes is ready without reading', TIME, async () => {
  const scene = await create({ health: { consumes: false } });
  await scene.app.init();
  await scene.publish();
  await ready(scene);
});

it('a killed Redis: not ready, and alive; back again: up', TIME, async () => {
  const scene = await start({ health: { readerDeadline: 1500 } });
  await ready(scene);
  await server.kill();
  await becomes(scene, 'disconnected');
  const killedAt = performance.now();
  // For longer than the reader may wait for an answer of a server that is there.
  await until('the outage lasts', () => {
    expect(scene.health.liveness().status).toBe('up');
    return performance.now() - killedAt > 3000;
  });
  expect((await scene.health.readiness()).status).toBe('down');
  await server.start();
  await ready(scene);
});

it('a server that hangs: readiness says so in time, and again when it answers', TIME, async () => {
  const scene = await start({ health: { timeout: 300 } });
  await ready(scene);
  process.kill(server.pid, 'SIGSTOP');
  try {
    await until('it is not ready', async () => (await scene.health.readiness()).status === 'down');
    expect(scene.health.liveness().status).toBe('up');
  } finally {
    process.kill(server.pid, 'SIGCONT');
  }
  await ready(scene);
});

it(
  'a reader that gets no answer past its deadline is down, and up once it gets one',
  TIME,
  async () => {
    // Longer than a read takes that is answered.
    let isStuck: Promise<void> | undefined;
    let answer!: () => void;
    const answered = new Promise<void>((resolve) => (answer = resolve));
    const health = { readerDeadline: 2 * BLOCK_TIMEOUT };
    const scene = await start({ stuck: () => isStuck, health });
    gates.push(answer);
    await ready(scene);
    expect(scene.health.liveness().status).toBe('up');
    isStuck = answered;
    await until('liveness is down', () => scene.health.liveness().status === 'down');
    expect(scene.health.liveness().causes).toMatchObject([
      { code: 'reader-stuck', status: 'down', group: 'billing' },
    ]);
    // A ping would be answered.
    expect(await codesOf(scene)).toEqual(['reader-stuck']);
    isStuck = undefined;
    answer();
    await until('liveness is up', () => scene.health.liveness().status === 'up');
  },
);

it('a group that was deleted: not ready until it exists again', TIME, async () => {
  const scene = await start();
  await ready(scene);
  const groups = scene.app.get(ConsumerGroupManager);
  await groups.deleteGroup('orders', 'billing');
  await becomes(scene, 'group-missing');
  expect(scene.health.liveness().status).toBe('up');
  await groups.createGroup('orders', 'billing');
  await without(scene, 'group-missing');
});

it('a right to read that was taken away: not ready, alive, and ready with it', TIME, async () => {
  const rules = ['on', 'nopass', '~*', '&*', '+@all'];
  await asAdmin((redis) => redis.call('ACL', 'SETUSER', 'app', ...rules));
  const scene = await start({
    streams: { url: server.url.replace('redis://', 'redis://app:x@') },
  });
  await ready(scene);
  await asAdmin((redis) => redis.call('ACL', 'SETUSER', 'app', '-xreadgroup'));
  await becomes(scene, 'stream-unreadable');
  const report = await scene.health.readiness();
  expect(report.status).toBe('down');
  expect(report.causes).toContainEqual(
    expect.objectContaining({ code: 'stream-unreadable', status: 'down', stream: 'orders' }),
  );
  expect(scene.health.liveness().status).toBe('up');
  await asAdmin((redis) => redis.call('ACL', 'SETUSER', 'app', '+xreadgroup'));
  await without(scene, 'stream-unreadable');
});

it('a key that holds no stream: not ready until it holds one again', TIME, async () => {
  const scene = await start({ streams: { reclaimInterval: 200 } });
  await ready(scene);
  await asAdmin((redis) => redis.multi().del('orders').set('orders', 'no stream').exec());
  await becomes(scene, 'stream-unreadable');
  expect((await scene.health.readiness()).status).toBe('down');
  expect(scene.health.liveness().status).toBe('up');
  await asAdmin((redis) => redis.del('orders'));
  await scene.publish();
  await without(scene, 'stream-unreadable');
  await ready(scene);
});

it('messages in hand that fill the memory for reads are degraded, not down', TIME, async () => {
  let end!: () => void;
  const long = new Promise<void>((resolve) => (end = resolve));
  gates.push(end);
  const scene = await start({
    streams: { maxReadBytes: 65_536 },
    health: { readerDeadline: 2 * BLOCK_TIMEOUT },
    handle: () => long,
  });
  const publisher = scene.app.get(StreamPublisher);
  for (let n = 0; n < 3; n++) await publisher.publish('orders', 'x'.repeat(40_000));
  await becomes(scene, 'reader-waiting');
  expect((await scene.health.readiness()).status).toBe('degraded');
  expect(scene.health.liveness().status).toBe('up');
  end();
  await without(scene, 'reader-waiting');
});

it('lag beyond a threshold is degraded, until it has recovered', TIME, async () => {
  let open!: () => void;
  const gate = new Promise<void>((resolve) => (open = resolve));
  gates.push(open);
  const scene = await start({
    streams: { concurrency: 1, batchSize: 1, lag: { interval: 100, thresholds: [{ warning: 3 }] } },
    handle: () => gate,
  });
  for (let n = 0; n < 20; n++) await scene.publish();
  await becomes(scene, 'lag');
  expect((await scene.health.readiness()).status).toBe('degraded');
  open();
  await without(scene, 'lag');
});

it('a message that was given up is degraded', TIME, async () => {
  const scene = await start({
    handle: () => {
      throw new UnrecoverableError('no such product');
    },
  });
  await ready(scene);
  await scene.publish();
  await becomes(scene, 'dead-letters');
  expect((await scene.health.readiness()).status).toBe('degraded');
  expect(scene.health.liveness().status).toBe('up');
});

it(
  'methods that overrun and hold all slots: degraded, and down past the deadline',
  TIME,
  async () => {
    let end!: () => void;
    const stuck = new Promise<void>((resolve) => (end = resolve));
    gates.push(end);
    const scene = await start({
      streams: { concurrency: 1, maxOverrun: 0, maxDeliveries: 1, gracePeriod: 500 },
      health: { readerDeadline: 2000 },
      handler: { timeout: 100 },
      handle: () => stuck,
    });
    await scene.publish();
    await becomes(scene, 'overrun');
    await until('liveness is down', () => scene.health.liveness().status === 'down');
    expect(scene.health.liveness().causes).toMatchObject([{ code: 'reader-blocked' }]);
    end();
    await until('liveness is up', () => scene.health.liveness().status === 'up');
  },
);

it('a reader that waits for slots which are in use is degraded, not down', TIME, async () => {
  let end!: () => void;
  const long = new Promise<void>((resolve) => (end = resolve));
  gates.push(end);
  const scene = await start({
    streams: { concurrency: 1, batchSize: 1 },
    // Longer than a read may take.
    health: { readerDeadline: 1500 },
    handle: () => long,
  });
  for (let n = 0; n < 5; n++) await scene.publish();
  await becomes(scene, 'reader-waiting');
  expect(scene.health.liveness().status).toBe('up');
  end();
  await without(scene, 'reader-waiting');
});

it('data that the server lost is degraded', TIME, async () => {
  const scene = await start({ streams: { reclaimInterval: 200 } });
  const id = await scene.publish();
  await ready(scene);
  await asAdmin((redis) =>
    until('the position is noted', async () =>
      ((await redis.hget('{orders}:floor', 'billing')) ?? '').startsWith(`- ${id} `),
    ),
  );
  await asAdmin((redis) => redis.flushall());
  await becomes(scene, 'data-loss');
  await without(scene, 'group-missing');
  expect((await scene.health.readiness()).status).toBe('degraded');
});

it('a fallback path is degraded, and may be ignored', TIME, async () => {
  // Without the right to listen to hints.
  const rules = ['on', 'nopass', '~*', '+@all', 'resetchannels'];
  await asAdmin((redis) => redis.call('ACL', 'SETUSER', 'deaf', ...rules));
  const url = server.url.replace('redis://', 'redis://deaf:x@');
  const scene = await start({ streams: { url }, health: { ignore: [] } });
  await scene.app.get(StreamPublisher).publish('orders', {}, { delay: 60_000 });
  await becomes(scene, 'fallback');
  const { causes } = await scene.health.readiness();
  const messages = causes.map(({ message }) => message);
  expect(messages).toContainEqual(expect.stringMatching(/^NO_\w+_HINTS: /));
  const other = await start({ streams: { url }, health: { ignore: MACHINE } });
  await other.app.get(StreamPublisher).publish('orders', {}, { delay: 60_000 });
  await ready(other);
  expect(await codesOf(other)).not.toContain('fallback');
});
