import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NotReplicatedError } from '../../lib/core/errors/publishing.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { startRedis, type RedisServer } from '../support/redis-server.js';
import { describeServer, otherServers } from '../support/redis-servers.js';
import { until } from '../support/until.js';

const idempotency = { key: 'k', window: 60_000 };
const entry = { stream: 's', fields: ['a', 'b'], idempotency, waitReplicas: 1 };
const delayed = { ...entry, when: { in: 3_600_000 } };

const onPath = describeServer(process.env['REDIS_BINARY'] ?? 'redis-server');
const servers = [...(onPath ? [onPath] : []), ...otherServers().found];

describe.each(servers)('$kind $version', ({ path: binary }) => {
  let master: RedisServer;
  let replica: RedisServer;
  let admin: Redis;
  beforeEach(async () => {
    master = await startRedis({ binary, args: ['--repl-diskless-sync-delay', '0'] });
    replica = await startRedis({ binary, args: ['--replicaof', '127.0.0.1', `${master.port}`] });
    admin = new Redis(master.url);
    await until('it replicates', async () =>
      (await admin.info('replication')).includes('state=online'),
    );
    replica.freeze();
  });
  afterEach(async () => {
    admin.disconnect();
    await Promise.all([replica.stop(), master.stop()]);
  });

  /** On a connection that has written nothing before, as that of a process which was restarted. */
  async function publishAnew(...entries: OutgoingEntry[]): Promise<(string | Error)[]> {
    const driver = redis({ url: master.url, commandTimeout: 400 });
    const { source } = driver.open({ events: new EventBus(), keyPrefix: '' });
    const results = await source.publish(entries);
    await source.close();
    return results;
  }

  it.each([
    ['a message', entry],
    ['a delayed message', delayed],
  ])(
    '%s that no replica has is refused each time, until a replica has it',
    async (_, published) => {
      const [first] = await publishAnew(published);
      expect(first).toBeInstanceOf(NotReplicatedError);
      const { id } = first as NotReplicatedError;
      for (let repeated = 0; repeated < 2; repeated++) {
        const [again] = await publishAnew(published);
        expect(again).toMatchObject({ code: 'NOT_REPLICATED', id, replicas: 0 });
      }

      replica.thaw();
      await until('the replica has it', async () => (await publishAnew(published))[0] === id);
      const there = new Redis(replica.url);
      expect(await there.get('{s}:published:k')).toBe(id);
      expect(await there.xlen('s')).toBe('when' in published ? 0 : 1);
      there.disconnect();
    },
  );

  // Redis 7.0 counts replicas right even where nothing was written, so it is asked for the write itself.
  it.each([
    ['a message', entry],
    ['a delayed message', delayed],
  ])(
    'the repetition of %s is written to the replicas',
    async (_, { waitReplicas, ...published }) => {
      // Without pings and waits only writes move the offset.
      await admin.config('SET', 'repl-ping-replica-period', 3600);
      const offset = async () =>
        Number(/master_repl_offset:(\d+)/.exec(await admin.info('replication'))![1]);
      const ids = await publishAnew(published);
      const before = await offset();
      expect(await publishAnew(published)).toEqual(ids);
      expect(waitReplicas).toBe(1);
      expect(await offset()).toBeGreaterThan(before);
    },
  );

  it('a message that was published without waiting is refused where it is repeated', async () => {
    const [id] = await publishAnew({ ...entry, waitReplicas: undefined } as OutgoingEntry);
    const remembered = await admin.pttl('{s}:published:k');
    const results = await publishAnew(entry, entry);
    for (const result of results) expect(result).toMatchObject({ code: 'NOT_REPLICATED', id });
    expect(await admin.xlen('s')).toBe(1);
    // The repetition does not make the key live longer.
    expect(await admin.pttl('{s}:published:k')).toBeLessThanOrEqual(remembered);
  });
});
