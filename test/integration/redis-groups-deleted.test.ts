import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GroupNotFoundError } from '../../lib/core/errors/group.errors.js';
import { ensureGroup } from '../../lib/drivers/redis/groups/ensure-group.script.js';
import { RecordingConsumer } from '../support/recording-consumer.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';

let server: RedisServer;
let client: Redis;
const consumers: RecordingConsumer[] = [];
beforeEach(async () => {
  server = await startRedis();
  client = new Redis(server.url);
  client.on('error', () => undefined);
});
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.close()));
  client.disconnect();
  await server.stop();
});

async function start(more: Partial<ConstructorParameters<typeof RecordingConsumer>[0]> = {}) {
  const consumer = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'], ...more });
  consumers.push(consumer);
  await consumer.start();
  return consumer;
}

const groupNames = async (): Promise<string[]> =>
  ((await client.xinfo('GROUPS', 's')) as string[][]).map((row) => row[1]!);

/** Looks after the streams so often that a group which was lost would be there again. */
async function afterSeveralLooks(): Promise<void> {
  const looks = async () => {
    const stats = await client.info('commandstats');
    return Number(/^cmdstat_evalsha:calls=(\d+)/m.exec(stats)?.[1] ?? 0);
  };
  const before = await looks();
  await until('several looks', async () => (await looks()) > before + 6);
}

const floor = () => client.hget('{s}:floor', 'g');
const noted = (id: string) =>
  until('the position is noted', async () => (await floor())?.startsWith(`- ${id} `) ?? false);

describe('deleteGroup', () => {
  it('holds for consumers of all processes, and createGroup has them read on', async () => {
    const [one, two] = [await start({ consumer: 'one' }), await start({ consumer: 'two' })];
    const { groups } = one.runtime.admin;
    const ids = await one.publish('s', 5);
    await noted(ids.at(-1)!);
    expect(await groups.deleteGroup('s', 'g')).toBe(true);
    expect(await floor()).toBe('deleted');
    const missed = await one.publish('s', 5);
    await until('both tell', () =>
      [one, two].every((consumer) => consumer.of('stream-unreadable').length === 1),
    );
    await afterSeveralLooks();
    expect(await groupNames()).toEqual([]);
    for (const [name, consumer] of Object.entries({ one, two })) {
      expect(consumer.of('group-recreated')).toEqual([]);
      expect(consumer.of('worker-error')).toEqual([]);
      expect(consumer.of('stream-unreadable')).toHaveLength(1);
      const { error, consumer: left } = consumer.of('stream-unreadable')[0]!;
      expect(left).toBe(name);
      expect(error).toBeInstanceOf(GroupNotFoundError);
      expect(error).toMatchObject({ stream: 's', group: 'g' });
      expect(error.message).toMatch(/was deleted .* createGroup/);
    }
    await groups.createGroup('s', 'g', { startId: ids.at(-1)! });
    const handled = () => [...one.ids('s'), ...two.ids('s')].sort();
    await until('what was missed is handled', () => handled().length >= 10);
    expect(handled()).toEqual([...ids, ...missed]);
  });

  it('leaves the other streams of its consumers alone', async () => {
    const consumer = await start({ streams: ['s', 'other'] });
    await consumer.runtime.admin.groups.deleteGroup('s', 'g');
    await until('it tells', () => consumer.of('stream-unreadable').length === 1);
    const ids = await consumer.publish('other', 3);
    await until('they are handled', () => consumer.ids('other').length === 3);
    expect(consumer.ids('other')).toEqual(ids);
  });

  it('outlives the processes: one that starts leaves the stream out, too', async () => {
    const first = await start();
    await first.publish('s', 3);
    await until('all is handled', () => first.ids('s').length === 3);
    await first.runtime.admin.groups.deleteGroup('s', 'g');
    await first.close();
    const second = await start();
    expect(second.of('stream-unreadable')).toHaveLength(1);
    await afterSeveralLooks();
    expect(await groupNames()).toEqual([]);
    await second.runtime.admin.groups.createGroup('s', 'g', { startId: '$' });
    const [id] = await second.publish('s');
    await until('it is handled', () => second.ids('s').length === 1);
    expect(second.ids('s')).toEqual([id]);
  });

  it('outlives the server’s memory, in processes that know of it', async () => {
    const consumer = await start();
    await consumer.publish('s');
    await consumer.runtime.admin.groups.deleteGroup('s', 'g');
    await until('it tells', () => consumer.of('stream-unreadable').length === 1);
    await client.flushall();
    await consumer.publish('s');
    await afterSeveralLooks();
    expect(await groupNames()).toEqual([]);
  });

  it('of a group that is lost keeps it from being put back', async () => {
    const consumer = await start();
    const ids = await consumer.publish('s', 3);
    await noted(ids.at(-1)!);
    await consumer.close();
    await client.xgroup('DESTROY', 's', 'g');
    const next = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'] });
    consumers.push(next);
    expect(await next.runtime.admin.groups.deleteGroup('s', 'g')).toBe(false);
    await next.start();
    expect(next.of('stream-unreadable')).toHaveLength(1);
    expect(await groupNames()).toEqual([]);
  });

  it('takes what was redriven to the group with it', async () => {
    let failing = true;
    const handle = () => {
      if (failing) throw new Error('on purpose');
    };
    const consumer = await start({ maxDeliveries: 1, handle });
    const { deadLetters } = consumer.runtime.admin;
    await consumer.publish('s');
    await until('it is dead', async () => (await deadLetters.list('s')).items.length === 1);
    await consumer.close();
    failing = false;
    const next = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'] });
    consumers.push(next);
    await next.runtime.admin.deadLetters.redrive('s', { all: true });
    expect(await client.exists('{s}:redrive:g')).toBe(1);
    await next.runtime.admin.groups.deleteGroup('s', 'g');
    expect(await client.exists('{s}:redrive:g')).toBe(0);
  });

  it('does not touch anything where the group’s mark cannot be left', async () => {
    const consumer = await start();
    await client.del('{s}:floor');
    await client.set('{s}:floor', 'no hash');
    const attempt = consumer.runtime.admin.groups.deleteGroup('s', 'g');
    await expect(attempt).rejects.toMatchObject({ code: 'WRONG_KEY_TYPE', key: '{s}:floor' });
    expect(await groupNames()).toEqual(['g']);
  });
});

it('createGroup forgets what was remembered of an earlier group', async () => {
  const admin = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'] });
  consumers.push(admin);
  const { groups } = admin.runtime.admin;
  for (const remembered of ['deleted', '- 9-0 9 9']) {
    await client.hset('{s}:floor', 'g', remembered);
    expect(await groups.createGroup('s', 'g')).toBe(true);
    expect(await floor()).toBeNull();
    await client.xgroup('DESTROY', 's', 'g');
  }
});

describe('a group that is lost after setPosition', () => {
  it.each([
    ['back', '0', () => '0-0'],
    ['on', '$', (ids: string[]) => ids.at(-1)],
    ['to an id', 'second', (ids: string[]) => ids[1]],
  ])(
    'begins where it was moved, also where a process remembers another position: %s',
    async (_, to, expected) => {
      const consumer = await start();
      const ids = await consumer.publish('s', 5);
      await noted(ids.at(-1)!);
      await consumer.close();
      await client.xgroup('SETID', 's', 'g', ids[2]!);
      const admin = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'] });
      consumers.push(admin);
      const id = to === 'second' ? ids[1]! : to;
      await admin.runtime.admin.groups.setPosition('s', 'g', id);
      await client.xgroup('DESTROY', 's', 'g');
      const names = { key: 's', floor: '{s}:floor', group: 'g', startId: '0' };
      const remembered = { ...names, create: true, knownFloor: `- ${ids[2]} 5 3` };
      const reply = await ensureGroup(client, remembered);
      expect(reply).toMatchObject({ word: 'restored', position: expected(ids) });
    },
  );

  it('with entries pending behind it: nothing between is skipped', async () => {
    await client.xgroup('CREATE', 's', 'g', '0', 'MKSTREAM');
    const ids = [];
    for (let n = 0; n < 4; n++) {
      ids.push((await client.xadd('s', '*', 'event_type', 'made', 'payload', `${n}`))!);
    }
    await client.xreadgroup('GROUP', 'g', 'gone', 'STREAMS', 's', '>');
    await client.xack('s', 'g', ...ids.slice(0, 3));
    const idle = new RecordingConsumer({ redis: { url: server.url }, streams: ['s'] });
    consumers.push(idle);
    await idle.runtime.admin.groups.setPosition('s', 'g', ids[0]!);
    expect(await floor()).toMatch(new RegExp(`^${ids[3]} ${ids[0]} 4 `));
    await client.xgroup('DESTROY', 's', 'g');
    const consumer = await start();
    await until('all behind the position is handled', () => consumer.ids('s').length === 3);
    expect(consumer.ids('s')).toEqual(ids.slice(1));
  });
});
