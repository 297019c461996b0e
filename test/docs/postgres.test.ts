import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import {
  ConsumerGroupManager,
  DeadLetters,
  StreamPublisher,
  StreamsModule,
} from 'nestjs-redis-streams';
import { grantsSql, migrate, postgres } from 'nestjs-redis-streams/postgres';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { readPage } from '../support/doc-pages.js';
import { createApp } from '../support/nest-app.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { freePort } from '../support/free-port.js';
import { startRedis } from '../support/redis-server.js';
import { secret } from '../support/secrets.js';
import { blocksOf, sectionOf } from '../support/snippets.js';
import { until } from '../support/until.js';

const ORDER = { orderId: 'o-1', customerId: 'ada', total: 4200 };

let server: PostgresServer;
let database: string;
beforeAll(async () => void (server = await startPostgres()));
afterAll(() => server.stop());
/** Each program of the page reads its address when it is imported, once. */
beforeEach(async ({ task }) => {
  database = task.id;
  vi.stubEnv('DATABASE_URL', await server.createDatabase(database));
});
afterEach(() => void vi.unstubAllEnvs());

/** What the handler of the page has logged. */
const packed: string[] = [];
const hear = (): void => {
  packed.length = 0;
  const log = (text: unknown): void => {
    if (String(text).startsWith('packing ')) packed.push(String(text));
  };
  Logger.overrideLogger({ log, warn: () => undefined, error: () => undefined });
};
beforeEach(hear);
afterAll(() => Logger.overrideLogger(false));

const rows = (sql: string): Promise<Record<string, unknown>[]> =>
  server.query(sql, [], database) as Promise<Record<string, unknown>[]>;

/** Starts the module as a microservice. */
async function started(module: Type) {
  const app = await createApp(module);
  onTestFinished(() => app.close());
  hear();
  await app.listen();
  return app;
}

const publish = (app: INestApplicationContext): Promise<string> =>
  app.get(StreamPublisher).publish('order.placed', ORDER);

it('the first service makes its schema, and handles the order that it was sent', async () => {
  const port = await freePort();
  vi.stubEnv('PORT', String(port));
  const { bootstrap } = await import('../../sample/docs/postgres/main.js');
  const app = await bootstrap();
  onTestFinished(() => app.close());
  const answer = await fetch(`http://localhost:${port}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ORDER),
  });
  expect(await answer.json()).toEqual({ id: expect.stringMatching(/^\d+$/) as string });
  await until('the order is packed', () => packed.length === 1);
  await until(
    'it is settled',
    async () => (await rows('select from streams.delivery')).length === 0,
  );
  const [row] = await rows('select count(*)::int as messages from streams.message');
  expect(row).toEqual({ messages: 1 });
});

it('messages on Redis have their dead letters in PostgreSQL', async () => {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  vi.stubEnv('REDIS_URL', redis.url);
  const { AppModule } = await import('../../sample/docs/postgres/with-redis.module.js');
  const app = await started(AppModule);
  const client = new Redis(redis.url);
  onTestFinished(() => client.disconnect());
  await client.xadd('order.placed', '*', 'event_type', 'order.placed', 'payload', '{');
  await publish(app);
  await until('the order is packed', () => packed.includes('packing o-1 for ada'));
  await until('the other one is given up', async () => {
    const { items } = await app.get(DeadLetters).list('order.placed');
    return items.length === 1;
  });
  expect(await rows('select from streams.dead_letter')).toHaveLength(1);
  expect(await rows('select from streams.message')).toEqual([]);
});

it('a group handles again what was published since a time', async () => {
  const { GroupChanges } = await import('../../sample/docs/groups/group-changes.js');
  const driver = postgres({ url: process.env.DATABASE_URL! });
  const shop = StreamsModule.forRoot({ group: 'shop', slots: { messageSource: driver } });
  const app = await NestFactory.createApplicationContext(shop, { logger: false });
  onTestFinished(() => app.close());
  for (let message = 0; message < 3; message++) await publish(app);
  await rows(`update streams.message set published_at = 1000
    where id = (select min(id) from streams.message)`);
  const groups = app.get(ConsumerGroupManager);
  await groups.createGroup('order.placed', 'billing', { startId: '$' });
  const replay = new GroupChanges(groups);
  await replay.replaySince(new Date(1001));
  expect(await groups.getGroupInfo('order.placed', 'billing')).toMatchObject({ lag: 2 });
  await replay.replaySince(new Date(1000));
  expect(await groups.getGroupInfo('order.placed', 'billing')).toMatchObject({ lag: 3 });
});

it('a file names the driver', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'streams-config-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = new URL('../../sample/docs/postgres/consumer-config.yaml', import.meta.url);
  await writeFile(join(folder, 'consumer-config.yaml'), await readFile(file));
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  const { AppModule } = await import('../../sample/docs/postgres/configured.module.js');
  await publish(await started(AppModule));
  await until('the order is packed', () => packed.length === 1);
});

it('a row and its message are written in one transaction, on the pool of the application', async () => {
  const { AppModule, pool } = await import('../../sample/docs/postgres/pool.module.js');
  const { Checkout } = await import('../../sample/docs/postgres/checkout.js');
  await rows('create table orders (id text primary key, total int)');
  const app = await createApp(AppModule);
  await app.get(Checkout).buy(ORDER);
  await expect(app.get(Checkout).buy(ORDER)).rejects.toThrow('duplicate key');
  expect(await rows('select id from orders')).toEqual([{ id: 'o-1' }]);
  expect(await rows('select from streams.message')).toHaveLength(1);
  await app.close();
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

it('the statements of the page run, and its grants are those of grantsSql', async () => {
  await migrate({ url: server.url(database) });
  const blocks = blocksOf(readPage('docs/postgres.md')).filter(
    ({ language }) => language === 'sql',
  );
  const [grants] = blocks.flatMap(({ text }) => (text.startsWith('grant') ? [text] : []));
  const looks = blocks.filter(({ text }) => text !== grants);
  expect(looks).toHaveLength(3);
  for (const { text } of looks) await rows(text);
  expect(grants?.trim()).toBe(grantsSql({ role: 'shop' }).trim());
});

it('the page names each table of the schema, and no other', async () => {
  await migrate({ url: server.url(database) });
  const found = await rows(`select tablename as name from pg_tables where schemaname = 'streams'`);
  const section = sectionOf(readPage('docs/postgres.md'), 'Tables');
  const cells = section.split('\n').flatMap((line) => /^\| (`.+?) +\|/.exec(line)?.[1] ?? []);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!));
  expect(named.toSorted()).toEqual(found.map(({ name }) => name as string).toSorted());
});

it('the owner migrates, and the application runs with the rights of the page', async () => {
  vi.stubEnv('OWNER_URL', server.url(database));
  const said = vi.spyOn(console, 'log').mockReturnValue(undefined);
  onTestFinished(() => said.mockRestore());
  const { deploy } = await import('../../sample/docs/postgres/migrate.js');
  await deploy();
  expect(said.mock.lastCall).toEqual([
    expect.stringMatching(/^schema streams: version 0 is now \d+$/),
  ]);
  await import('../../sample/docs/postgres/print-sql.js');
  const [migration, grants] = said.mock.calls.slice(-2).map(([text]) => String(text));
  expect(migration).toContain('create schema');
  const role = await server.createRole('shop', secret('user'));
  await server.query(grants!, [], database);
  vi.stubEnv('SHOP_URL', server.url(database, role));
  const { AppModule } = await import('../../sample/docs/postgres/rights.module.js');
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  onTestFinished(() => app.close());
  expect(await publish(app)).toMatch(/^\d+$/);
});

it('behind a transaction pooler messages are published', async () => {
  const bouncer = await startPgBouncer(server);
  onTestFinished(() => bouncer.stop());
  vi.stubEnv('PGBOUNCER_URL', bouncer.url(database));
  const { driver } = await import('../../sample/docs/postgres/pgbouncer.js');
  const { StreamsModule } = await import('nestjs-redis-streams');
  const streams = StreamsModule.forRoot({ group: 'shop', slots: { messageSource: driver } });
  const app = await NestFactory.createApplicationContext(streams, { logger: false });
  onTestFinished(() => app.close());
  expect(await publish(app)).toMatch(/^\d+$/);
});
