import { migrate, postgres } from 'nestjs-redis-streams/postgres';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PermissionDeniedError } from '../../lib/core/errors/server.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Driver } from '../../lib/ports/driver.js';
import { leastRole } from '../support/postgres-contract.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

const ENTRY = { stream: 'orders', fields: ['event_type', 'made', 'payload', '1'] };
const KEY = { stream: 'orders', group: 'g', handler: 'made', key: '7', owner: 'me' };
const RECORD = {
  ...{ stream: 'orders', id: '1', group: 'g', consumer: 'c', attempts: 1 },
  reason: 'UNRECOVERABLE' as const,
  publishedAt: '2026-01-01T00:00:00.000Z',
  deadLetteredAt: '2026-01-01T00:00:00.000Z',
};
const SUBSCRIPTION = {
  ...{ streams: ['orders'], group: 'g', consumer: 'c', startId: '0' },
  ...{ blockTimeout: 10, idleTimeout: 1000, reclaimInterval: 1000 },
};

let server: TestPostgres;
let role: { name: string; password: string };
let driver: Driver;
beforeAll(async () => {
  server = await testPostgres();
  role = await leastRole(server);
});
afterAll(() => server.cleanup());
beforeEach(async () => {
  driver = postgres({ url: server.server.url('test', role), migrate: false }).open({
    events: new EventBus(),
    keyPrefix: '',
  });
  await driver.groups!.create('orders', 'g', { startId: '0', createStream: true });
});
afterEach(() => driver.source.close());

/** Takes a right away, carries something out, and gives the right back. Answers the error. */
async function without(right: string, work: () => Promise<unknown>): Promise<unknown> {
  const [what = '', from = ''] = right.split(' from ');
  const whom = [`"${role.name}"`, ...(from === '' ? [] : [from])].join();
  await server.pool.query(`revoke ${what} from ${whom}`);
  try {
    const [outcome] = [await work().catch((error: unknown) => error)].flat();
    return outcome;
  } finally {
    await server.pool.query(`grant ${what} to ${whom}`);
  }
}

const publish = () => driver.source.publish([ENTRY]);

describe('each right that is missing is named', () => {
  test.each<[right: string, key: string, work: () => Promise<unknown>]>([
    ['usage on schema streams', 'schema streams', () => driver.state!.get('k')],
    ['select on streams.state', 'table state', () => driver.state!.get('k')],
    ['insert on streams.state', 'table state', () => driver.state!.set('k', 'v')],
    ['update on streams.state', 'table state', () => driver.state!.set('k', 'v')],
    ['delete on streams.state', 'table state', () => driver.state!.delete('k')],
    ['usage on sequence streams.message_id', 'sequence message_id', publish],
    ['execute on function streams.publish', 'function publish', publish],
    ['all on streams.message', 'table message', publish],
    ['all on streams.grp', 'table grp', publish],
    [
      'all on streams.stream',
      'table stream',
      () => driver.source.publish([{ ...ENTRY, stream: 'new' }]),
    ],
    [
      'all on streams.published',
      'table published',
      () => driver.source.publish([{ ...ENTRY, idempotency: { key: 'k', window: 1000 } }]),
    ],
    [
      'all on streams.delayed',
      'table delayed',
      () => driver.delays!.schedule([{ ...ENTRY, when: { in: 1000 } }]),
    ],
    ['all on streams.completion', 'table completion', () => driver.completions!.claim([KEY], 1000)],
    ['all on streams.workflow', 'table workflow', () => driver.workflows!.begin('w', 1, 1000)],
    [
      'all on streams.lease',
      'table lease',
      () => driver.leases!.acquire({ stream: 'orders', name: 'n' }, 'me', 1000),
    ],
    ['all on streams.dead_letter', 'table dead_letter', () => driver.deadLetters!.put(RECORD, [])],
    ['all on streams.delivery', 'table delivery', () => driver.held!.list('orders', 'g', 10)],
    ['all on streams.inbox', 'table inbox', () => driver.inbox!.run(KEY, 1000, async () => 1)],
    ['all on streams.member', 'table member', () => driver.source.subscribe(SUBSCRIPTION)],
  ])('%s', async (right, key, work) => {
    const table = right.split(' on streams.')[1];
    const error = await without(right.startsWith('all') ? `all on streams.${table}` : right, work);
    expect(error).toBeInstanceOf(PermissionDeniedError);
    expect(error).toMatchObject({ code: 'PERMISSION_DENIED', key });
    expect((error as Error).message).toContain('grantsSql()');
    // The driver goes on where the right is there again.
    const again: unknown = [await work()].flat()[0];
    expect(again).not.toBeInstanceOf(Error);
  });
});

test('a role that may not connect to the database is told so', async () => {
  const error = await without('connect on database test from public', async () => {
    const other = postgres({ url: server.server.url('test', role), migrate: false }).open({
      events: new EventBus(),
      keyPrefix: '',
    });
    try {
      return await other.state!.get('k');
    } finally {
      await other.source.close();
    }
  });
  expect(error).toMatchObject({ code: 'POSTGRES_CONNECTION', outcome: 'not-sent' });
  expect((error as Error).message).toContain('grant CONNECT on the database');
});

test('tables of later migrations are granted with the first ones', async () => {
  await server.pool.query('create table streams.later (id int generated always as identity)');
  const url = server.server.url('test', role);
  expect(await migrate({ url })).toMatchObject({ from: 1 });
  const { rows } = await server.pool.query<{ may: boolean; change: boolean }>(
    `select has_table_privilege($1, 'streams.later', 'select,insert,update,delete') as may,
      has_table_privilege($1, 'streams.migration', 'insert,update,delete') as change`,
    [role.name],
  );
  expect(rows).toEqual([{ may: true, change: false }]);
  await server.pool.query('drop table streams.later');
});
