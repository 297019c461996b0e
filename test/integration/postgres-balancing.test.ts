import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { HeldStream } from '../../lib/core/held-stream.js';
import { ack } from '../../lib/core/settlement.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import { Balanced } from '../support/balancing.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

let service: string;
let made = 0;
beforeEach(() => void (service = `svc-${++made}`));

const start = (consumerId: string, options: object = {}): Promise<Balanced> =>
  Balanced.start({
    driver: postgres({ url: server.url }),
    ...{ service, consumerId, scanInterval: 500, ...options },
  });

/** Rows of a table of the driver's schema. */
async function count(from: string, ...values: unknown[]): Promise<number> {
  const { rows } = await server.pool.query<{ n: number }>(
    `select count(*)::int as n from streams.${from}`,
    values,
  );
  return rows[0]!.n;
}
const inputs = (): Promise<number> =>
  count('message m join streams.stream s on s.id = m.stream where s.name = $1', `${service}-input`);

const named = (n: number): string[] => Array.from({ length: n }, (_, at) => `${service}-${at}`);

describe('an owner that died', () => {
  it('is followed by another consumer, under a higher token', async () => {
    const [stream] = named(1) as [string];
    const a = await start('a');
    await a.balancer.add(stream);
    await a.hears(`StreamAdded ${stream}`);
    const { token } = a.last('StreamAdded');
    const b = (await start('b')).claims();
    await a.die();
    await b.hears(`StreamAdded ${stream}`);
    expect(b.last('StreamAdded').token).toBeGreaterThan(token);
  });

  it('is told of where the application claims', async () => {
    const [stream] = named(1) as [string];
    const a = await start('a');
    await a.balancer.add(stream, { n: 1 });
    await a.hears(`StreamAdded ${stream}`);
    const [b, c] = [await start('b'), await start('c')];
    await a.die();
    await b.hears(`StreamExpired ${stream}`);
    await c.hears(`StreamExpired ${stream}`);
    const { payload, info } = b.last('StreamExpired');
    expect(info).toEqual({ n: 1 });
    expect(await b.balancer.claim(payload)).toMatchObject({ stream });
    await expect(c.balancer.claim(payload)).rejects.toMatchObject({ why: 'held' });
    await b.balancer.complete(stream);
    await expect(c.balancer.claim(payload)).rejects.toMatchObject({ why: 'gone' });
  });
});

it('release gives all streams back, unfinished, to the other consumers', async () => {
  const [one, two] = named(2) as [string, string];
  const a = await start('a');
  for (const name of [one, two]) await a.balancer.add(name);
  await until('a has both', () => a.owned.length === 2);
  const b = (await start('b')).claims();
  await a.balancer.end(false, 'bye');
  await until('b has both', () => b.owned.length === 2);
  expect(a.last('StreamTerminated').reason).toBe('bye');
});

it('done completes all streams, and leaves no input behind', async () => {
  const a = await start('a');
  for (const name of named(2)) await a.balancer.add(name);
  await until('a has both', () => a.owned.length === 2);
  await a.balancer.end(true, 'done');
  expect(await inputs()).toBe(0);
  expect(await count('lease where input is not null and key like $1', `%${service}-%`)).toBe(0);
});

it('what was handed out to a consumer of this name before is taken up again', async () => {
  const [stream] = named(1) as [string];
  const a = await start('a');
  await a.balancer.add(stream);
  await a.hears(`StreamAdded ${stream}`);
  await a.die();
  const again = await start('a');
  await again.hears(`StreamAdded ${stream}`);
});

it('streams are handed over when a consumer joins, until all have the same number', async () => {
  const a = (await start('a')).claims();
  for (const name of named(12)) await a.balancer.add(name);
  await until('a has all', () => a.owned.length === 12);
  const b = (await start('b')).claims();
  await until('they share', () => a.owned.length === 6 && b.owned.length === 6);
  expect(a.last('StreamDisowned').reason).toBe('handed-over');
  const c = (await start('c')).claims();
  await until('all three share', () => [a, b, c].every(({ owned }) => owned.length === 4));
});

it('one name announced twice has one owner, and its turn again afterwards', async () => {
  const [stream] = named(1) as [string];
  const a = (await start('a')).claims();
  const b = (await start('b')).claims();
  for (let times = 0; times < 2; times++) await a.balancer.add(stream);
  await until('it is owned', () => a.owned.length + b.owned.length === 1);
  const [first] = a.owned.length > 0 ? [a] : [b];
  await first.balancer.complete(stream);
  await until('the second one is owned', () => a.owned.length + b.owned.length === 1);
  expect(await inputs()).toBe(1);
});

it('a stream that is finished with a message is completed in the same step as that', async () => {
  const [stream] = named(1) as [string];
  const driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  const b = await start('b');
  await b.balancer.add(stream);
  await b.hears(`StreamAdded ${stream}`);
  const [held] = b.balancer.streams();
  const onFinished = vi.fn<(held: HeldStream, completed: boolean) => void>((...finished) => {
    void b.balancer.finished(...finished);
  });
  const reading = { group: 'g', startId: '0', blockTimeout: 30_000, runsWithin: 1000, onFinished };
  const subscription = b.balancer.subscribe(reading);
  onTestFinished(() => subscription.close());
  subscription.add(held!);
  await driver.source.publish([{ stream, fields: ['n', '1'] }]);
  const [lease] = await subscription.pull(1);
  lease!.finishing = true;
  const settling = { lease: lease!, settlement: ack };
  expect(await driver.source.settle([settling])).toEqual(['settled']);
  expect(onFinished.mock.calls).toEqual([[held, true]]);
  expect(await inputs()).toBe(0);
  // As after an answer that was lost.
  expect(await driver.source.settle([settling])).toEqual(['settled']);
  await b.balancer.complete(stream);
  expect(b.owned).toEqual([]);
});

it('reads of owned streams that the server refuses are known, until they succeed', async () => {
  const [stream] = named(1) as [string];
  const driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  const a = await start('a');
  await a.balancer.add(stream);
  await a.hears(`StreamAdded ${stream}`);
  const onFinished = (): void => undefined;
  const subscription = a.balancer.subscribe({
    ...{ group: 'g', startId: '0', blockTimeout: 30_000, runsWithin: 1000, onFinished },
  });
  onTestFinished(() => subscription.close());
  const table = 'alter table streams.delivery';
  await server.pool.query(`${table} rename to away`);
  for (const held of a.balancer.streams()) subscription.add(held);
  await until('it is known', () => subscription.trouble!().refused.has(stream));
  await server.pool.query('alter table streams.away rename to delivery');
  await driver.source.publish([{ stream, fields: ['n', '1'] }]);
  expect(await subscription.pull(1)).toHaveLength(1);
  await until('they succeed', () => subscription.trouble!().refused.size === 0);
});

it('of many entries in one batch, each is kept fresh and settled under the lock of its own stream', async () => {
  const streams = named(20);
  const driver = postgres({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  const a = await start('a');
  for (const name of streams) await a.balancer.add(name);
  await until('a has all', () => a.owned.length === streams.length);
  const onFinished = (): void => undefined;
  const subscription = a.balancer.subscribe({
    ...{ group: 'g', startId: '0', blockTimeout: 30_000, runsWithin: 1000, onFinished },
  });
  onTestFinished(() => subscription.close());
  for (const held of a.balancer.streams()) subscription.add(held);
  await driver.source.publish(streams.map((stream) => ({ stream, fields: ['n', '1'] })));
  const leases = await subscription.pull(1);
  await until('all are there', async () => {
    if (leases.length < streams.length) leases.push(...(await subscription.pull(100)));
    return leases.length === streams.length;
  });
  const [lost] = leases;
  await server.pool.query(`update streams.lease set token = token + 1 where input = $1`, [
    lost!.owned!.id,
  ]);
  expect(await subscription.extend(leases)).toEqual(
    leases.map((lease) => (lease === lost ? 'lost' : 'held')),
  );
  const outcomes = await driver.source.settle(leases.map((lease) => ({ lease, settlement: ack })));
  expect(outcomes).toEqual(leases.map((lease) => (lease === lost ? 'lost' : 'settled')));
});
