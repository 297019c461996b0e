import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Delivery } from '../../lib/core/delivery.js';
import { PermissionDeniedError } from '../../lib/core/errors/server.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { redisAclRules, redisCommands } from '../../lib/drivers/redis/acl.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { gate } from '../support/engine.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';

let server: RedisServer;
let admin: Redis;
beforeAll(async () => {
  server = await startRedis();
  admin = new Redis(server.url);
});
afterAll(async () => {
  admin.disconnect();
  await server.stop();
});

/** Makes a user, and answers how to be that user. */
async function user(name: string, rules: readonly string[]) {
  await admin.call('ACL', 'SETUSER', name, 'on', `>${secret('user')}`, ...rules);
  return { port: server.port, username: name, password: secret('user'), connectTimeout: 1000 };
}

/** A life of a driver: everything that sends a command once, and all errors that it brings. */
class Life {
  readonly errors: unknown[] = [];
  private failures = 2;

  constructor(
    private readonly stream: string,
    private readonly consumer: RecordingConsumer,
  ) {}

  static async begin(name: string, rules: readonly string[]): Promise<Life> {
    const redis = await user(name, rules);
    const stream = `${name}:s`;
    const consumer: RecordingConsumer = new RecordingConsumer({
      redis,
      streams: [stream],
      maxDeliveries: 2,
      backoff: { delay: 1 },
      handle: () => life.handle(),
    });
    const life: Life = new Life(stream, consumer);
    return life;
  }

  async live(): Promise<void> {
    const { admin, driver } = this.consumer.runtime;
    await this.try(() => this.consumer.publish(this.stream));
    if (this.stream.startsWith('no-wait')) await this.try(() => this.publishToReplicas());
    await this.try(() => this.consumer.start());
    await this.try(() => driver.state!.set(`${this.stream}-state`, 'value'));
    await this.try(() => driver.state!.get(`${this.stream}-state`));
    await this.try(() => driver.state!.delete(`${this.stream}-state`));
    await this.try(() => this.answer());
    await this.try(() => this.administer());
    await this.try(() => driver.retention!.footprint(this.stream, '0-0'));
    const trimming = { policy: 'deleteWhenSettled', groups: [] } as const;
    await this.try(() => driver.retention!.trim(this.stream, trimming));
    await this.try(() => this.delay());
    await this.try(() => this.chain());
    await this.try(() => this.balance());
    await this.try(() => this.handOver());
    await until('a dead letter, or an error', async () => {
      const page = await this.try(() => admin.deadLetters.list(this.stream));
      return (page?.items.length ?? 0) > 0 || this.refused.length > 0;
    });
    await this.try(() => admin.deadLetters.redrive(this.stream, { all: true }));
    await until('it is handled, or an error', () => {
      const [handled] = this.consumer.handled;
      return handled !== undefined || this.refused.length > 0;
    });
  }

  /** All that were refused, wherever it was told. */
  get refused(): PermissionDeniedError[] {
    const told = this.consumer.events.map(({ event }) => (event as { error?: unknown }).error);
    return [...this.errors, ...told].filter((error) => error instanceof PermissionDeniedError);
  }

  close(): Promise<void> {
    return this.consumer.close();
  }

  private async answer(): Promise<void> {
    const replies = this.consumer.runtime.driver.replies!;
    await replies.now();
    let arrived = 0;
    const box = replies.open({
      onReplies: ({ length }) => (arrived += length),
      onLost: () => undefined,
      waiting: () => true,
    });
    await box.ready();
    await replies.send([{ to: box.address, fields: ['answer', 'any'] }]);
    await until('an answer, or an error', () => arrived > 0 || this.refused.length > 0);
    await box.close();
  }

  private async administer(): Promise<void> {
    const { groups } = this.consumer.runtime.driver;
    const [stream, group] = [`${this.stream}-administered`, 'g'];
    await groups!.create(stream, group, { startId: '0', createStream: true });
    await groups!.describe([stream]);
    await groups!.setPosition(stream, group, '$');
    await groups!.delete(stream, group);
  }

  private async delay(): Promise<void> {
    const { producer, admin } = this.consumer.runtime;
    const { delayedMessages } = admin;
    const stream = `${this.stream}-later`;
    const later = (delay: number) =>
      producer.publish({ eventType: 'x', payload: 1, stream, delay });
    const [first] = [await later(60_000), await later(60_000), await later(1)];
    await delayedMessages.reschedule(stream, first, { delay: 30_000 });
    const { next } = await delayedMessages.list(stream, { limit: 1 });
    await delayedMessages.list(stream, { limit: 1, ...(next !== undefined && { after: next }) });
    await until('one is promoted, or an error', async () => {
      const { items } = await delayedMessages.list(stream);
      return items.length < 3 || this.refused.length > 0;
    });
    await delayedMessages.cancel(stream, first);
  }

  /** There are none: only for who wants to see this refused. */
  private async publishToReplicas(): Promise<void> {
    const stream = `${this.stream}-replicated`;
    const message = { eventType: 'made', payload: 1, stream, waitReplicas: 1 };
    await this.consumer.runtime.producer.publish(message);
  }

  private async chain(): Promise<void> {
    const { workflows } = this.consumer.runtime.driver;
    const step = {
      workflow: this.stream,
      step: '0',
      run: 1,
      failed: false,
      record: '',
    };
    const [refused] = await workflows!.record([step], 1000);
    if (refused) this.errors.push(refused);
    const arrival = { workflow: this.stream, at: '0', index: 0, of: 2, token: 't', result: '1' };
    await this.try(() => workflows!.begin(this.stream, 1, 1000));
    await this.try(() => workflows!.keep(this.stream, 1000));
    await this.try(() => workflows!.keep(`${this.stream}-new`, 1000));
    await this.try(() => workflows!.arrive(arrival, 1000));
    await this.try(() => workflows!.arrive({ ...arrival, index: 1 }, 1000));
    await this.try(() => workflows!.areCancelled([this.stream]));
    await this.try(() => workflows!.read(this.stream));
    await this.try(() => workflows!.cancel(`${this.stream}-new`, 1000));
  }

  private async balance(): Promise<void> {
    const { inputs, locks, members, ...parts } = this.consumer.runtime.driver.ownership!.join({
      service: `${this.stream}-service`,
      consumer: 'c',
      lease: 2000,
      blockTimeout: 50,
      hints: 'off',
      onHint: () => undefined,
      onReconnected: () => undefined,
    });
    await parts.open();
    try {
      const stream = `${this.stream}-owned`;
      const id = await inputs.add(['lbs-input', JSON.stringify({ DataStreamName: stream })]);
      await inputs.pull(1);
      await locks.holders([{ stream, id }]);
      await members.meet('here');
    } finally {
      await parts.close();
    }
  }

  private async handOver(): Promise<void> {
    const { live, source } = this.consumer.runtime.driver;
    const [stream, group] = [`${this.stream}-handed`, 'g'];
    const join = (consumer: string) =>
      live!.join({
        ...{ group, consumer, instance: consumer, timeToLive: 10_000 },
        process: { host: 'elsewhere', pid: 1, application: 'a', version: '1' },
        streams: [
          { stream, events: ['*'], options: { ...times, maxDeliveries: 1, ordered: false } },
        ],
      });
    const times = { blockTimeout: 50, idleTimeout: 1000, reclaimInterval: 50 };
    const [from, to] = [await join('from'), await join('to')];
    const options = { ...times, streams: [stream], group, consumer: 'from', startId: '0' };
    const subscription = await source.subscribe(options);
    await source.publish([{ stream, fields: ['event_type', 'x', 'payload', '1'] }]);
    const [lease] = await subscription.pull(1);
    const entries = [{ lease: lease!, eventType: 'x' }];
    const receiver = { consumer: to.consumer, instance: 'to' };
    const [outcome] = await from.handOver(entries, receiver, 1);
    if (outcome instanceof Error) this.errors.push(outcome);
    await this.try(() => live!.members(stream, group));
    await subscription.close();
    await Promise.all([from.leave(), to.leave()]);
  }

  private handle(): void {
    if (this.failures-- > 0) throw new Error('on purpose');
  }

  private async try<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (error) {
      this.errors.push(error);
      return undefined;
    }
  }
}

async function withoutCommand(command: string): Promise<PermissionDeniedError[]> {
  const life = await Life.begin(`no-${command}`, [...redisAclRules(), `-${command}`]);
  await life.live();
  await until(
    `${command} is missed`,
    () => life.refused.some((error) => error.command === command),
    10_000,
    () => life.refused.map(String).join('\n'),
  );
  const { refused } = life;
  await life.close();
  return refused;
}

it('with all rights nothing is refused', async () => {
  const life = await Life.begin('shop', [
    ...redisAclRules({ keyPrefix: 'shop:' }),
    // Its streams have the prefix as part of their names; the box of its answers, workflows, and the
    // channels of its consumers do not.
    '~{client-*',
    '~{workflow:*',
    '&handed:*',
  ]);
  await admin.acl('LOG', 'RESET');
  await life.live();
  expect(life.errors).toEqual([]);
  expect(life.refused).toEqual([]);
  expect(await admin.acl('LOG')).toEqual([]);
  await life.close();
});

it.each(['-publish', '-subscribe', 'resetchannels'])(
  'with %s what was delayed is published all the same',
  async (rule) => {
    const redis = await user('deaf', [...redisAclRules(), rule]);
    const consumer = await RecordingConsumer.start({ redis, streams: ['later'] });
    const warnings = () => consumer.of('warning').filter(({ code }) => code === 'NO_DELAY_HINTS');
    await until('it is told of', () => rule === '-publish' || warnings().length === 1);
    const message = { eventType: 'made', payload: 1, stream: 'later', delay: 100 };
    await consumer.runtime.producer.publish(message);
    await until('it is handled', () => consumer.ids('later').length > 0);
    await consumer.close();
    await admin.del('later');
  },
);

it('a channel that may not be heard keeps the others from nothing', async () => {
  const redis = await user('half-deaf', [...redisAclRules(), 'resetchannels', '&{later}:delayed']);
  const streams = ['other', 'later', 'another'];
  const consumer = await RecordingConsumer.start({ redis, streams });
  const heard = async () => await admin.pubsub('CHANNELS', '*:delayed');
  await until('it listens', async () => (await heard()).length === 1);
  const warnings = () => consumer.of('warning').filter(({ code }) => code === 'NO_DELAY_HINTS');
  await until('it is told of', () => warnings().length > 0);
  expect(warnings()).toHaveLength(1);
  expect(await heard()).toEqual(['{later}:delayed']);
  await consumer.close();
});

it.each(['append', 'hset'])(
  'what keeps a workflow names %s where it is missing',
  async (command) => {
    const options = await user('keeper', [...redisAclRules(), `-${command}`]);
    const driver = redis(options).open({ events: new EventBus(), keyPrefix: '' });
    await expect(driver.workflows!.keep('kept', 1000)).rejects.toMatchObject({ command });
    await driver.source.close();
  },
);

it('each right that is missing is named by a typed error', async () => {
  await admin.script('FLUSH');
  await withoutCommand('eval');
  // The connection takes care of its own; a consumer is removed only after a minute.
  // To tell of what is due, and to listen, is done without.
  const tolerated =
    /^(info|select|client\|.*|command\|info|eval|xgroup\|delconsumer|publish|subscribe)$/;
  const commands = redisCommands().filter((command) => !tolerated.test(command));
  const refused = (await Promise.all(commands.map(withoutCommand))).flat();
  for (const error of refused) {
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED' });
    expect(error.message).toContain('ACL SETUSER');
    expect(error.message).toContain(`command "${error.command}"`);
  }
});

it.each([
  ['directly', 'publish', { command: 'xadd', key: 'other' }],
  ['in a script', 'start', { command: 'evalsha' }],
])('a key that may not be touched is named, %s', async (_, action, expected) => {
  const redis = await user('narrow', redisAclRules({ streams: ['orders'] }));
  const consumer = new RecordingConsumer({ redis, streams: ['other'] });
  const attempt = action === 'publish' ? consumer.publish('other') : consumer.start();
  const error: unknown = await attempt.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(PermissionDeniedError);
  expect(error).toMatchObject(expected);
  expect((error as Error).message).toContain('other');
  await consumer.close();
});

it('a stream that may no longer be read is left out, and the others are read', async () => {
  const redis = await user('both', redisAclRules({ streams: ['one', 'two'] }));
  const consumer = await RecordingConsumer.start({ redis, streams: ['one', 'two'] });
  await user('both', redisAclRules({ streams: ['two'] }));
  const id = await admin.xadd('two', '*', 'event_type', 'made', 'payload', '1');
  await until('the other is handled', () => consumer.ids('two').length === 1);
  await until('one is told of', () => consumer.of('stream-unreadable').length > 0);
  expect(consumer.of('stream-unreadable')[0]).toMatchObject({
    stream: 'one',
    error: { code: 'PERMISSION_DENIED' },
  });
  await admin.xclaim('two', 'g', 'gone', 0, id!, 'IDLE', 10_000, 'FORCE', 'JUSTID');
  await until('the other is looked after', () => consumer.of('reclaimed').length === 1);
  await user('both', redisAclRules({ streams: ['one', 'two'] }));
  await admin.xadd('one', '*', 'event_type', 'made', 'payload', '1');
  await until('it is read again', () => consumer.ids('one').length === 1);
  await consumer.close();
});

it('what was redriven and may no longer be read is left out, and the stream is read', async () => {
  const redis = await user('redriver', redisAclRules());
  const work = gate();
  const handle = ({ message }: Delivery) => (message.payload === 'held' ? work.promise : undefined);
  const consumer = await RecordingConsumer.start({ redis, streams: ['again'], handle });
  const [key, entry] = ['{again}:redrive:g', ['event_type', 'made', 'payload', '"held"']];
  await admin.xgroup('CREATE', key, 'g', '0', 'MKSTREAM');
  await admin.xadd(key, '*', 'redriven', '{"stream":"again","id":"1-1"}', ...entry);
  await until('it runs', () => consumer.running === 1);
  await user('redriver', ['resetkeys', '~again', '~{again}:floor']);
  await until('it is told of', () => consumer.of('stream-unreadable').length > 0);
  const [id] = [await admin.xadd('again', '*', 'event_type', 'made', 'payload', '1')];
  await until('the stream is read', () => consumer.ids('again').includes(id!));
  await user('redriver', redisAclRules());
  work.open();
  await until('what was held is handled', () => consumer.ids('again').includes('1-1'));
  await consumer.close();
});

it('a publisher needs less', async () => {
  const redis = await user('publisher', redisAclRules({ keyPrefix: 'p:', access: 'publish' }));
  const publisher = new RecordingConsumer({ redis, keyPrefix: 'p:', streams: [] });
  expect(await publisher.publish('orders')).toHaveLength(1);
  const once = { eventType: 'made', payload: 1, stream: 'orders', idempotencyKey: 'k' };
  const { producer } = publisher.runtime;
  expect(await producer.publish(once)).toBe(await producer.publish(once));
  await producer.publish({ eventType: 'made', payload: 1, stream: 'later', delay: 1 });
  await until('what was delayed is published', async () => (await admin.xlen('p:later')) === 1);
  await publisher.close();
});

it.each(['set', 'xadd'])(
  'a missing %s is named where a message is published once',
  async (right) => {
    const redis = await user('once', [...redisAclRules(), `-${right}`]);
    const publisher = new RecordingConsumer({ redis, streams: [] });
    const once = { eventType: 'made', payload: 1, stream: `once-${right}`, idempotencyKey: 'k' };
    const error: unknown = await publisher.runtime.producer.publish(once).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', command: right });
    await user('once', redisAclRules());
    expect(await publisher.runtime.producer.publish(once)).toMatch(/^\d+-\d+$/);
    await publisher.close();
  },
);
