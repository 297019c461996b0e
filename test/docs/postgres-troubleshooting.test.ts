import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { grantsSql, migrate, postgres, type PostgresOptions } from 'nestjs-redis-streams/postgres';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it, onTestFinished } from 'vitest';
import { inAllSlots } from '../support/in-all-slots.js';
import { quoted, RecordedLog, shown } from '../support/log-lines.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { startPostgres, type PostgresServer } from '../support/postgres-server.js';
import { secret } from '../support/secrets.js';

const STREAM = 'order.placed';
const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };
/** No server listens there. */
const CLOSED = 'postgres://shop@127.0.0.1:1/shop';

let server: PostgresServer;
let database: string;
let url: string;
beforeAll(async () => void (server = await startPostgres()));
afterAll(() => server.stop());
const log = new RecordedLog();
beforeEach(async ({ task }) => {
  database = task.id;
  url = await server.createDatabase(database);
  log.clear();
});

interface Given extends PostgresOptions {
  readonly group?: string;
}

/** The service of the page, before it is started. */
async function made({ group = 'shop', ...options }: Given = {}) {
  @Controller()
  class OrderController {
    @StreamHandler(STREAM)
    pack(): void {}
  }
  const driver = postgres(options.url || options.pool ? options : { url, ...options });
  const streams = StreamsModule.forRoot({ group, slots: inAllSlots(driver) });
  @Module({ imports: [streams], controllers: [OrderController] })
  class AppModule {}
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
    logger: false,
    abortOnError: false,
  });
  log.record();
  onTestFinished(() => app.close());
  return app;
}

async function started(given?: Given) {
  const app = await made(given);
  await app.listen();
  return app;
}

const refused = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error) => shown(error),
  );

const published = async (given?: Given): Promise<string> => {
  const app = await made(given);
  return refused(app.get(StreamPublisher).publish(STREAM, ORDER));
};

/** The address for a role that may use the schema. */
async function addressOf(name: string, attributes = '', setting?: string): Promise<string> {
  await migrate({ url });
  const role = await server.createRole(name, secret('user'), attributes);
  await server.query(grantsSql({ role: name }), [], database);
  if (setting) await server.query(`alter role ${name} set ${setting}`);
  return server.url(database, role);
}

/** A connection that is open until the test ends. */
async function connected(to = url): Promise<Client> {
  const client = new Client({ connectionString: to });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

it('a server that is not there', async () => {
  expect(await refused(started({ url: CLOSED, connectTimeout: 1500 }))).toBe(
    quoted('postgres-no-start'),
  );
});

it('a wrong password', async () => {
  const wrong = { name: 'postgres', password: 'wrong' };
  expect(await published({ url: server.url(database, wrong) })).toBe(
    quoted('postgres-wrong-password'),
  );
});

it('a schema that is left to others, and is not there', async () => {
  expect(await published({ migrate: false })).toBe(quoted('postgres-no-schema'));
});

it('a role that may not make the schema', async () => {
  const role = await server.createRole('nothing', secret('user'));
  await server.createDatabase('shop');
  expect(await published({ url: server.url('shop', role) })).toBe(quoted('postgres-no-rights'));
});

it('a pooler that passes no hint on', async () => {
  const bouncer = await startPgBouncer(server);
  onTestFinished(() => bouncer.stop());
  await started({ url: bouncer.url(database) });
  await log.says('postgres-no-hints');
});

it('a transaction that has published holds up a new group', async () => {
  const app = await made();
  await app.get(StreamPublisher).publish(STREAM, ORDER);
  const client = await connected();
  await client.query('begin');
  await client.query('select streams.lock_publishing(array(select id from streams.stream))');
  const starting = refused(app.listen());
  await log.says('postgres-group-waits');
  await client.query('rollback');
  expect(await starting).toBe('no error');
});

it('a transaction with one snapshot that does not see a new group', async () => {
  const app = await made();
  const publisher = app.get(StreamPublisher);
  await publisher.publish(STREAM, ORDER);
  const client = await connected();
  await client.query('begin isolation level repeatable read');
  await client.query('select 1 from streams.grp');
  await app.listen();
  const publishing = refused(publisher.within(client).publish(STREAM, ORDER));
  expect(await publishing).toBe(quoted('postgres-conflict'));
});

it('a server that takes no writes', async () => {
  const readOnly = await addressOf('reader', '', 'default_transaction_read_only = on');
  expect(await published({ url: readOnly })).toBe(quoted('postgres-read-only'));
});

it('a server that takes no more connections', async () => {
  const limited = await addressOf('shop', 'connection limit 1');
  await connected(limited);
  expect(await published({ url: limited, connectTimeout: 1500 })).toBe(quoted('postgres-too-many'));
});

it('a lock that another transaction holds', async () => {
  const impatient = await addressOf('clerk', '', `lock_timeout = '50ms'`);
  const client = await connected();
  await client.query('begin; lock table streams.message in access exclusive mode');
  expect(await published({ url: impatient })).toBe(quoted('postgres-cancelled'));
});

it('a server that goes and comes back', async () => {
  const other = await startPostgres();
  onTestFinished(() => other.stop());
  await started({ url: await other.createDatabase('shop') });
  await other.kill();
  await log.says('postgres-broken');
  await other.start();
  await log.says('postgres-works-again');
});
