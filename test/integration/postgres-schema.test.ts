import { execFile, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { grantsSql, migrate, migrationSql, postgres } from 'nestjs-redis-streams/postgres';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { Database } from '../../lib/drivers/postgres/connection/database.js';
import { SchemaName } from '../../lib/drivers/postgres/connection/statements.js';
import { LOCK } from '../../lib/drivers/postgres/schema/migration-statements.js';
import { MIGRATIONS, type Migration } from '../../lib/drivers/postgres/schema/migrations.js';
import { prepareSchema } from '../../lib/drivers/postgres/schema/prepare-schema.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { PostgresReader, take } from '../support/postgres-reader.js';
import { startPostgres } from '../support/postgres-server.js';
import { secret } from '../support/secrets.js';
import { unprivileged } from '../support/unprivileged.js';
import { until } from '../support/until.js';

const run = promisify(execFile);

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

let made = 0;
/** An empty database of its own. */
const database = (): Promise<string> => server.server.createDatabase(`schema-${++made}`);

/** A library with these migrations. */
function library(url: string, migrations: readonly Migration[], may = true) {
  const schema = new SchemaName('streams');
  const db = new Database({
    options: { url },
    schema,
    events: new EventBus(),
    prepare: (statements) => prepareSchema(statements, { schema, migrate: may, migrations }),
  });
  onTestFinished(() => db.close());
  return db;
}

/** What a library of a later version adds. */
const later = (version: number, worksFrom: number): Migration[] => [
  ...MIGRATIONS,
  { version, worksFrom, statements: [`create table {schema}.later_${version} (id int)`] },
];

/** All that a database holds, as statements. */
async function dumpOf(url: string): Promise<string> {
  const { stdout } = await run(`${server.server.bin}/pg_dump`, ['--schema-only', '-d', url], {
    maxBuffer: 2 ** 26,
  });
  return stdout.replaceAll(/^(--|\\(un)?restrict).*$/gm, '');
}

async function tell(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

test('ten processes that start at once make one schema', { timeout: 60_000 }, async () => {
  const url = await database();
  const worker = fileURLToPath(new URL('../support/postgres-migrator.js', import.meta.url));
  const start = async (): Promise<ChildProcess> => {
    const child = fork(worker, [JSON.stringify({ url })]);
    await once(child, 'message');
    return child;
  };
  const children = await Promise.all(Array.from({ length: 10 }, start));
  const answers = children.map(async (child) => {
    child.send('go');
    const [answer] = (await once(child, 'message')) as [{ from: number; to: number }];
    await once(child, 'exit');
    return answer;
  });
  const versions = await Promise.all(answers);
  const { version } = MIGRATIONS.at(-1)!;
  const found = { from: version, to: version };
  expect(versions.sort((a, b) => a.from - b.from)).toEqual([
    { from: 0, to: version },
    ...Array.from({ length: 9 }, () => found),
  ]);
});

test('who has waited for another migration finds what that one made', async () => {
  const url = await database();
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('begin');
  await client.query(new SchemaName('streams').into(LOCK));
  const migrated = Promise.all(Array.from({ length: 3 }, () => migrate({ url })));
  await until('three of them wait', async () => {
    const { rows } = await client.query<{ waiting: number }>(
      `select count(*)::int as waiting from pg_locks where locktype = 'advisory' and not granted`,
    );
    return rows[0]!.waiting === 3;
  });
  await client.query('commit');
  const { version } = MIGRATIONS.at(-1)!;
  expect((await migrated).map(({ from }) => from).sort((a, b) => a - b)).toEqual([
    0,
    version,
    version,
  ]);
  await client.end();
});

test('a second migration changes nothing', async () => {
  const url = await database();
  await migrate({ url });
  const before = await dumpOf(url);
  const version = MIGRATIONS.at(-1)!.version;
  expect(await migrate({ url })).toEqual({ from: version, to: version });
  expect(await dumpOf(url)).toBe(before);
});

test('the printed statements make the same schema, under any name', async () => {
  const [byCall, byHand] = [await database(), await database()];
  const schema = 'Order streams, ünique';
  await migrate({ url: byCall, schema });
  await tell(byHand, migrationSql({ schema }));
  expect(await dumpOf(byHand)).toBe(await dumpOf(byCall));
  expect(migrationSql({ from: MIGRATIONS.at(-1)!.version })).toBe('');
  const version = MIGRATIONS.at(-1)!.version;
  expect(await migrate({ url: byHand, schema })).toEqual({ from: version, to: version });
  expect(() => migrationSql({ schema: `a'b`, from: -1 })).toThrow(/from must be[^]*schema must/);
});

test('two schemas of one database share nothing', async () => {
  const url = await database();
  const drivers = ['one', 'two'].map((schema) =>
    postgres({ url, schema }).open({ events: new EventBus(), keyPrefix: '' }),
  );
  const [one, two] = drivers.map(({ state }) => state!);
  await one!.set('key', 'of one');
  expect(await two!.get('key')).toBeUndefined();
  await Promise.all(drivers.map(({ source }) => source.close()));
});

test('where migrations are left to others, what is missing is said', async () => {
  const url = await database();
  const ready = (migrations: readonly Migration[]) => library(url, migrations, false).ready();
  await expect(ready(MIGRATIONS)).rejects.toMatchObject({
    code: 'SCHEMA_MISSING',
    schema: 'streams',
    message: expect.stringContaining('Call migrate()') as string,
  });
  await migrate({ url });
  await ready(MIGRATIONS);
  await expect(ready(later(7, 1))).rejects.toMatchObject({
    code: 'SCHEMA_TOO_OLD',
    found: MIGRATIONS.at(-1)!.version,
    needed: 7,
  });
  await library(url, later(7, 1)).ready();
  await ready(later(7, 1));
});

test('an older library works beside a newer one, until the newer one says that it cannot', async () => {
  const url = await database();
  const [old] = [library(url, MIGRATIONS)];
  await old!.ready();
  await library(url, later(7, 1)).ready();
  await old!.query('a test', 'select 1');
  await library(url, MIGRATIONS).ready();
  await library(url, later(9, 8)).ready();
  for (const may of [true, false]) {
    await expect(library(url, MIGRATIONS, may).ready()).rejects.toMatchObject({
      code: 'SCHEMA_TOO_NEW',
      found: 9,
      message: expect.stringContaining('Update this library') as string,
    });
  }
});

test('a schema that is dropped while the driver runs is made again', async () => {
  const url = await database();
  const { source, state } = postgres({ url }).open({ events: new EventBus(), keyPrefix: '' });
  await state!.set('key', 'value');
  await tell(url, 'drop schema streams cascade');
  await expect(state!.get('key')).rejects.toMatchObject({ code: 'SCHEMA_MISSING' });
  expect(await state!.get('key')).toBeUndefined();
  await source.close();
});

test('a migration that fails leaves nothing behind', async () => {
  const url = await database();
  const wrong = [{ version: 1, worksFrom: 1, statements: ['create table {schema}.a ()', 'oops'] }];
  await expect(library(url, wrong).ready()).rejects.toMatchObject({ code: 'SERVER_REPLY' });
  await expect(library(url, MIGRATIONS, false).ready()).rejects.toMatchObject({
    code: 'SCHEMA_MISSING',
  });
  await migrate({ url });
});

test('a database that cannot store every text is refused', async () => {
  await tell(server.url, `create database latin encoding 'LATIN1' locale 'C' template template0`);
  await expect(migrate({ url: server.server.url('latin') })).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
    message: expect.stringContaining('UTF8') as string,
  });
});

test('a role that reads no null in a list is refused', async () => {
  const url = await database();
  const role = await server.server.createRole('nulls', secret('user'), 'superuser');
  await tell(url, 'alter role nulls set array_nulls = off');
  const theirs = url.replace(/\/\/[^@]*@/, `//${role.name}:${encodeURIComponent(role.password)}@`);
  await expect(migrate({ url: theirs })).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
    message: expect.stringContaining('Set array_nulls to on') as string,
  });
});

test('a server that has given away half of its object ids works', async () => {
  const old = await startPostgres();
  onTestFinished(() => old.stop());
  process.kill(old.pid, 'SIGINT');
  await until('the server has ended', () => !old.running);
  const args = ['-o', '3000000000', join(old.dir, 'data')];
  await run(join(old.bin, 'pg_resetwal'), args, unprivileged());
  await old.start();
  const reader = new PostgresReader({ url: await old.createDatabase('test') });
  onTestFinished(() => reader.close());
  const [id] = await reader.publish('orders', 'a');
  const reading = await reader.read('orders', 'workers');
  await reader.ack(...(await take(reading, 1)));
  expect(await reader.driver.source.settledUpTo!('orders', 'workers')).toBe(id);
});

test('a role that may make nothing is told what it lacks', async () => {
  const url = await database();
  const role = await server.server.createRole('newcomer', secret('user'));
  const theirs = url.replace(/\/\/[^@]*@/, `//${role.name}:${encodeURIComponent(role.password)}@`);
  await expect(migrate({ url: theirs })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    key: expect.stringContaining('database') as string,
  });
  await migrate({ url });
  await expect(migrate({ url: theirs })).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    key: 'schema streams',
  });
  await tell(url, grantsSql({ role: role.name }));
  const version = MIGRATIONS.at(-1)!.version;
  expect(await migrate({ url: theirs })).toEqual({ from: version, to: version });
});
