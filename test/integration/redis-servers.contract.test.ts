import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { IdempotencyWindow } from '../../lib/core/message.js';
import type { Retention } from '../../lib/ports/retention.js';
import { redis } from '../../lib/drivers/redis/redis.driver.js';
import { startProxy } from '../support/proxy.js';
import { startRedis } from '../support/redis-server.js';
import { describeServer, otherServers } from '../support/redis-servers.js';

/** Releases that brought commands which overlap with our scripts, and forks of their own way. */
const OF_INTEREST = ['Redis 8.2', 'Redis 8.4', 'Redis 8.6', 'Redis 8.8', 'Valkey 8', 'Valkey 9'];

const onPath = describeServer('redis-server');
const { found, missing } = otherServers();
const servers = [...(onPath ? [onPath] : []), ...found];
const canDeduplicate = ({ kind, version }: (typeof servers)[number]) => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  return kind === 'Redis' && major * 1e6 + minor * 1e3 + patch >= 8_006_002;
};
const canTellAcked = ({ kind, version }: (typeof servers)[number]) => {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const known = minor === 2 ? patch >= 7 : minor === 4 ? patch >= 4 : minor >= 6;
  return kind === 'Redis' && (major > 8 || (major === 8 && known));
};
const newer = servers.find(canDeduplicate);
const older = servers.find((server) => !canDeduplicate(server));

const keyed = (window: IdempotencyWindow, key: string) => ({
  stream: 's',
  fields: ['f', 'v'],
  idempotency: { key, window },
});

/** Which path a server's own state says that a publication took. */
async function pathOf(client: Redis, key: string): Promise<string> {
  if (await client.exists(`{s}:published:${key}`)) return 'script';
  const stream = (await client.xinfo('STREAM', 's')) as unknown[];
  const tracked = stream.indexOf('iids-tracked');
  return tracked >= 0 && Number(stream[tracked + 1]) > 0 ? 'XADD IDMP' : 'nothing';
}

/** What takes the place of a script on a server that has `command`: not used, so far. */
async function unused(client: Redis, command: string): Promise<string> {
  const [known] = (await client.call('COMMAND', 'INFO', command)) as unknown[];
  return known ? 'script *' : 'script';
}

async function claims(client: Redis): Promise<string> {
  const options = ['GROUP', 'g', 'c', 'CLAIM', '0', 'COUNT', '1', 'STREAMS', 's', '>'];
  await client.xgroup('CREATE', 's', 'g', '0');
  return client.call('XREADGROUP', ...options).then(
    () => 'script *',
    () => 'script',
  );
}

/** All but the first of some entries is settled. What goes? */
async function deletes(client: Redis, retention: Retention): Promise<string> {
  const key = 'retained';
  for (let n = 1; n <= 500; n++) await client.xadd(key, `${n}-0`, 'f', 'v');
  await client.xgroup('CREATE', key, 'g', '0');
  await client.xreadgroup('GROUP', 'g', 'c', 'COUNT', 400, 'STREAMS', key, '>');
  await client.xack(key, 'g', ...Array.from({ length: 399 }, (_, index) => `${index + 2}-0`));
  const order = { policy: 'deleteWhenSettled', groups: [] } as const;
  while ((await retention.trim(key, order)).more);
  const left = await client.xrange(key, '-', '+');
  expect(left[0]![0]).toBe('1-0');
  expect(left.slice(-100)[0]![0]).toBe('401-0');
  return left.length < 500 ? 'XTRIM ACKED' : 'script';
}

async function pathsOn(binary: string) {
  const server = await startRedis({ binary });
  const client = new Redis(server.url);
  const opened = redis({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  const { source } = opened;
  const first = await source.publish([keyed(60_000, 'timed'), keyed('native', 'native')]);
  expect(await source.publish([keyed(60_000, 'timed'), keyed('native', 'native')])).toEqual(first);
  const paths = {
    'publish once, ms': await pathOf(client, 'timed'),
    "publish once, 'native'": await pathOf(client, 'native'),
    'ack redriven': await unused(client, 'xackdel'),
    release: await unused(client, 'xnack'),
    'take over': await claims(client),
    'delete behind what is pending': await deletes(client, opened.retention!),
  };
  await source.close();
  client.disconnect();
  await server.stop();
  return paths;
}

it('every server takes the path that it is meant to', async () => {
  const rows = await Promise.all(
    servers.map(async ({ path, kind, version }) => ({
      server: `${kind} ${version}`,
      ...(await pathsOn(path)),
    })),
  );
  const absent = OF_INTEREST.filter(
    (release) => !rows.some(({ server }) => `${server}.`.startsWith(`${release}.`)),
  );
  console.log(
    [
      'Which path each server takes:',
      ...tableOf(rows),
      '* it has a command for it that is not used, see docs/decisions/0012',
      ...missing.map((path) => `REDIS_SERVERS names ${path}, which is not there`),
      `Not at hand: ${absent.join(', ') || 'none'}`,
    ].join('\n'),
  );
  for (const [index, server] of servers.entries()) {
    expect(rows[index], server.path).toMatchObject({
      'publish once, ms': 'script',
      "publish once, 'native'": canDeduplicate(server) ? 'XADD IDMP' : 'script',
      'delete behind what is pending': canTellAcked(server) ? 'XTRIM ACKED' : 'script',
    });
  }
});

it('a connection that goes on with another server asks that one', async () => {
  const [first, second] = [
    await startRedis({ binary: (newer ?? older)!.path }),
    await startRedis({ binary: (older ?? newer)!.path }),
  ];
  const proxy = await startProxy(first.port);
  const events = new EventBus();
  const { source } = redis({ url: proxy.url }).open({ events, keyPrefix: '' });
  const paths: string[] = [];
  for (const server of [first, second, first]) {
    proxy.point(server.port);
    const connected = new Promise<void>((resolve) =>
      events.on('connected', ({ role }) => role === 'publisher' && resolve()),
    );
    proxy.cut();
    if (paths.length > 0) await connected;
    const client = new Redis(server.url);
    expect(await source.publish([keyed('native', `k${paths.length}`)])).toEqual([
      expect.any(String),
    ]);
    paths.push(await pathOf(client, `k${paths.length}`));
    client.disconnect();
  }
  const [there, here] = [newer ? 'XADD IDMP' : 'script', older ? 'script' : 'XADD IDMP'];
  expect(paths).toEqual([there, here, there]);
  await source.close();
  await proxy.close();
  await Promise.all([first.stop(), second.stop()]);
});

function tableOf(rows: readonly Record<string, string>[]): string[] {
  const heads = Object.keys(rows[0] ?? {});
  const widths = heads.map((head) =>
    Math.max(head.length, ...rows.map((row) => row[head]!.length)),
  );
  const line = (cells: readonly string[]) =>
    cells.map((cell, column) => cell.padEnd(widths[column]!)).join('  ');
  return [line(heads), ...rows.map((row) => line(Object.values(row)))];
}
