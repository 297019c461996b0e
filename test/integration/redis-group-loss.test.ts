import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StreamConsumers } from '../../lib/runtime/stream-consumers/stream-consumers.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { Redis } from 'ioredis';

let server: RedisServer;
let client: Redis;
let consumer: RecordingConsumer;
beforeEach(async () => {
  server = await startRedis();
  client = new Redis(server.url);
});
afterEach(async () => {
  await consumer.close();
  client.disconnect();
  await server.stop();
});

const start = async (): Promise<void> => {
  consumer = await RecordingConsumer.start({ redis: { url: server.url }, streams: ['s'] });
};

const isBlocked = async (): Promise<boolean> =>
  /flags=b .*cmd=xreadgroup/.test(String(await client.client('LIST')));

/** Everything is settled, that has been noticed, and the reader waits for more. */
async function quiet(lastId: string): Promise<void> {
  await until(
    'the position is noted',
    async () => (await client.hget('{s}:floor', 'g'))?.startsWith(`- ${lastId} `) ?? false,
  );
  await until('the reader waits', isBlocked);
}

async function pendingCount(): Promise<number> {
  const [count] = (await client.xpending('s', 'g')) as [number];
  return count;
}

it('a group that one consumer may not put back is put back by another, which goes on', async () => {
  consumer = new RecordingConsumer({ redis: { url: server.url }, streams: [] });
  const consumers = new StreamConsumers(consumer.runtime);
  const common = { stream: 's', group: 'g' };
  const keeper = consumers.create({ ...common, consumer: 'keeper' });
  const guest = consumers.create({ ...common, consumer: 'guest', createGroup: false });
  const seen: string[] = [];
  let kept: unknown = 'runs';
  const keeping = keeper
    .subscribe(({ id }) => seen.push(id) > 0)
    .then(
      () => (kept = 'ended'),
      (error: unknown) => (kept = error),
    );
  await until('there is a group', async () => (await client.exists('s')) === 1);
  // Who pauses does not look after the group.
  await keeper.pause();
  const visiting = guest.subscribe(() => true);
  await until('the guest reads', isBlocked);
  await client.xgroup('DESTROY', 's', 'g');
  await expect(visiting).rejects.toMatchObject({ code: 'GROUP_NOT_FOUND', why: 'missing' });
  expect(kept).toBe('runs');
  const [id] = await consumer.publish('s', 1);
  await keeper.resume();
  await until('the keeper has it', () => seen.includes(id!));
  await keeper.close();
  await keeping;
  expect(kept).toBe('ended');
});

describe('while the reader is blocked', () => {
  it.each([
    ['FLUSHALL', () => client.flushall()],
    ['DEL of the stream', () => client.del('s')],
  ])('%s is survived: the group starts over', async (_, destroy) => {
    await start();
    const before = await consumer.publish('s', 20);
    await quiet(before.at(-1)!);
    await destroy();
    const after = await consumer.publish('s', 20);
    await until('the new messages are handled', () => consumer.handled.length >= 40);
    await until('and settled', async () => (await pendingCount()) === 0);
    expect(consumer.ids('s')).toEqual([...before, ...after]);
    expect(consumer.of('group-recreated')).toHaveLength(1);
    expect(consumer.of('stream-unreadable')).toEqual([]);
    expect(consumer.of('worker-error')).toEqual([]);
  });

  it('FLUSHALL is reported with the range that may be lost', async () => {
    await start();
    const before = await consumer.publish('s', 20);
    await quiet(before.at(-1)!);
    await client.flushall();
    await until('the group is there again', () => consumer.of('group-recreated').length > 0);
    expect(consumer.of('group-recreated')).toEqual([{ stream: 's', group: 'g', from: '0' }]);
    expect(consumer.of('data-loss-suspected')).toEqual([
      { stream: 's', group: 'g', after: '0', upTo: before.at(-1) },
    ]);
  });

  it('FLUSHALL before anything was published is no loss', async () => {
    await start();
    await quiet('0-0');
    await client.flushall();
    await until('the group is there again', () => consumer.of('group-recreated').length > 0);
    const ids = await consumer.publish('s', 5);
    await until('the messages are handled', () => consumer.handled.length === 5);
    expect(consumer.ids('s')).toEqual(ids);
    expect(consumer.of('data-loss-suspected')).toEqual([]);
    expect(consumer.of('stream-unreadable')).toEqual([]);
  });

  it('XGROUP DESTROY is survived: the group goes on where it was', async () => {
    await start();
    const before = await consumer.publish('s', 20);
    await quiet(before.at(-1)!);
    await client.xgroup('DESTROY', 's', 'g');
    const after = await consumer.publish('s', 20);
    await until('the new messages are handled', () => consumer.handled.length >= 40);
    await until('and settled', async () => (await pendingCount()) === 0);
    expect(consumer.ids('s')).toEqual([...before, ...after]);
    expect(consumer.of('group-recreated')).toEqual([
      { stream: 's', group: 'g', from: before.at(-1) },
    ]);
    expect(consumer.of('data-loss-suspected')).toEqual([]);
    const [group] = (await client.xinfo('GROUPS', 's')) as unknown[][];
    expect(group![group!.indexOf('lag') + 1]).toBe(0);
  });

  it('SCRIPT FLUSH is not noticed', async () => {
    await start();
    const before = await consumer.publish('s', 5);
    await quiet(before.at(-1)!);
    await client.script('FLUSH');
    const after = await consumer.publish('s', 5);
    await quiet(after.at(-1)!);
    expect(consumer.ids('s')).toEqual([...before, ...after]);
    expect(consumer.of('worker-error')).toEqual([]);
  });
});
