import { Inject, Injectable } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ConsumerGroupManager,
  DeadLetters,
  getStreamsToken,
  InvalidOptionsError,
  redisAclRules,
  RedisConnectionError,
  RedisStreamsModule,
  StreamsAdmin,
  StreamsModule,
} from 'nestjs-redis-streams';
import {
  PermissionDeniedError,
  UnsupportedFeatureError,
  type DriverFactory,
} from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { testRedis, type TestRedis } from '../support/redis.js';
import { appModule } from '../support/nest-app.js';
import {
  calls,
  describeGroupManager,
  failure,
  type Method,
  METHODS,
  open,
  type Place,
} from './support/group-manager.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis.cleanup());

const PLACE: Place = {
  options: () => ({ url: redis.url, keyPrefix: redis.prefix }),
  at: async (stream) => [redis.client, redis.prefix + stream],
};

describeGroupManager('redis', PLACE);

const NEEDED: Record<Method, string> = {
  createGroup: 'xgroup|create',
  deleteGroup: 'xgroup|destroy',
  listGroups: 'xinfo|stream',
  getGroupInfo: 'xinfo|groups',
  listConsumers: 'xinfo|consumers',
  getPending: 'xpending',
  eachPending: 'xpending',
  setPosition: 'xgroup|setid',
  removeConsumer: 'xgroup|delconsumer',
  claimStale: 'xclaim',
};

it.each(Object.entries(NEEDED))(
  '%s: without the right to %s it is a PermissionDeniedError that names it',
  async (name, command) => {
    const [stream, username] = [`rights-${name}`, `without-${name}`];
    const key = redis.prefix + stream;
    if (name !== 'createGroup')
      await redis.client.xgroup('CREATE', key, 'billing', '0', 'MKSTREAM');
    const rules = [...redisAclRules({ keyPrefix: redis.prefix }), `-${command}`];
    await redis.client.call('ACL', 'SETUSER', username, 'on', '>secret', ...rules);
    onTestFinished(async () => void (await redis.client.call('ACL', 'DELUSER', username)));
    if (name === 'removeConsumer')
      await redis.client.xgroup('CREATECONSUMER', key, 'billing', 'gone');
    if (name === 'claimStale') {
      await redis.client.xadd(key, '*', 'n', 1);
      await redis.client.xreadgroup('GROUP', 'billing', 'gone', 'STREAMS', key, '>');
    }
    const url = new URL(redis.url);
    Object.assign(url, { username, password: 'secret' });
    const app = await open({ url: url.href, keyPrefix: redis.prefix });
    const error = await failure(calls(app.get(ConsumerGroupManager), stream)[name as Method]());
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', command });
  },
);

it.each([
  ['redis', { url: 'redis://127.0.0.1:1' }],
  ['redis cluster', { cluster: [{ host: '127.0.0.1', port: 1 }] }],
])(
  'where no server answers, all of them fail with a RedisConnectionError: %s',
  async (_, where) => {
    const app = await open({ ...where, connectTimeout: 200, commandTimeout: 300 });
    const attempts = calls(app.get(ConsumerGroupManager), 'orders');
    const errors = await Promise.all(METHODS.map((name) => failure(attempts[name]())));
    for (const error of errors) {
      expect(error).toBeInstanceOf(RedisConnectionError);
      expect(error).toMatchObject({ code: 'REDIS_CONNECTION', outcome: 'not-sent' });
    }
  },
);

it('arguments that cannot be right are refused, all of them at once, before anything is sent', async () => {
  const groups = (await open(PLACE.options())).get(ConsumerGroupManager);
  const wrong = [
    [() => groups.createGroup('', '', { startId: 'x', mkstream: 'no' as never }), 4],
    [() => groups.createGroup('s', 'g', { mkStream: false } as never), 1],
    [() => groups.deleteGroup(undefined as never, 5 as never), 2],
    [() => groups.listGroups(''), 1],
    [() => groups.getGroupInfo('s', ''), 1],
    [() => groups.listConsumers('', 'g'), 1],
    [() => groups.getPending('s', 'g', { consumer: '', minIdleMs: -1, start: 'x', count: 0 }), 4],
    [() => groups.getPending('s', 'g', { limit: 1 } as never), 1],
    [() => groups.eachPending('s', 'g', { minIdleMs: 0.5 }).next(), 1],
    [() => groups.setPosition('s', 'g', '-'), 1],
    [() => groups.removeConsumer('s', 'g', '', { handOverTo: '' }), 3],
    [() => groups.claimStale('s', 'g', { consumer: 'c' } as never), 1],
    [() => groups.claimStale('s', 'g', { consumer: '', minIdleMs: NaN, count: -1 }), 3],
  ] as const;
  for (const [attempt, count] of wrong) {
    const error = await failure(attempt());
    expect(error, String(attempt)).toBeInstanceOf(InvalidOptionsError);
    expect((error as InvalidOptionsError).problems, String(attempt)).toHaveLength(count);
  }
});

it('is injected by its class, by the name of its module, and stands in StreamsAdmin', async () => {
  @Injectable()
  class Operator {
    constructor(
      readonly groups: ConsumerGroupManager,
      @Inject(getStreamsToken('second', ConsumerGroupManager))
      readonly second: ConsumerGroupManager,
      readonly admin: StreamsAdmin,
      readonly deadLetters: DeadLetters,
    ) {}
  }
  const { keyPrefix, ...where } = PLACE.options();
  const second = { ...where, keyPrefix: `${keyPrefix}second:`, name: 'second' };
  const module = appModule({
    imports: [
      RedisStreamsModule.forRoot({ ...where, keyPrefix: keyPrefix! }),
      RedisStreamsModule.forRoot(second),
    ],
    providers: [Operator],
  });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  onTestFinished(() => app.close());
  const operator = app.get(Operator);
  expect(operator.admin.groups).toBe(operator.groups);
  expect(operator.admin.deadLetters).toBe(operator.deadLetters);
  expect(app.get(getStreamsToken('second', ConsumerGroupManager))).toBe(operator.second);
  await operator.second.createGroup('injected', 'billing');
  expect(await redis.client.exists(`${keyPrefix}second:injected`)).toBe(1);
});

it('on a driver without the ports it is refused, naming feature and driver', async () => {
  const { open: openMemory, ids } = memory();
  const source: DriverFactory = {
    technology: 'bare',
    ids,
    open: (context) => ({ source: openMemory(context).source, ids }),
  };
  const module = appModule({
    imports: [StreamsModule.forRoot({ slots: { messageSource: source }, group: 'g' })],
  });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  onTestFinished(() => app.close());
  const attempts = calls(app.get(ConsumerGroupManager), 's');
  for (const name of METHODS) {
    const error = await failure(attempts[name]());
    expect(error, name).toBeInstanceOf(UnsupportedFeatureError);
    expect((error as Error).message).toMatch(/^Administration of .* bare/);
  }
});
