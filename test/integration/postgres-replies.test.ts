import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Fields } from '../../lib/core/message.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { Replies } from '../../lib/ports/replies.js';
import { startProxy } from '../support/proxy.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

function open(options: PostgresOptions = {}): Replies {
  const driver = postgres({ url: server.url, ...options }).open({
    events: new EventBus(),
    keyPrefix: '',
  });
  onTestFinished(() => driver.source.close());
  return driver.replies!;
}

/** A box whose client waits until it says otherwise. */
async function openBox(replies: Replies) {
  const client = { waiting: true, arrived: [] as Fields[], lost: [] as Error[] };
  const box = replies.open({
    onReplies: (some) => client.arrived.push(...some),
    onLost: (error) => client.lost.push(error),
    waiting: () => client.waiting,
  });
  onTestFinished(() => box.close());
  await box.ready();
  return Object.assign(client, {
    box,
    send: (by: Replies, ...bodies: string[]) =>
      by.send(bodies.map((body) => ({ to: box.address, fields: ['body', body] }))),
    bodies: () => client.arrived.map(([, body]) => body),
  });
}

/** Sends answers until one has arrived. The first ones may come before the hints do. */
async function untilHinted(client: Awaited<ReturnType<typeof openBox>>, by: Replies) {
  await until('hints arrive', async () => {
    await client.send(by, 'early');
    return client.arrived.length > 0;
  });
  await client.send(by, 'last');
  await until('the last one has arrived', () => client.bodies().at(-1) === 'last');
}

const count = async (table: string): Promise<number> => {
  const { rows } = await server.pool.query<{ count: string }>(
    `select count(*) from streams.${table}`,
  );
  return Number(rows[0]!.count);
};

describe('answers', () => {
  it('that are sent one after the other, without waiting, keep their order', async () => {
    const client = await openBox(open());
    const by = open();
    const bodies = Array.from({ length: 500 }, (_, at) => String(at));
    const sending = [];
    for (const body of bodies) {
      sending.push(client.send(by, body));
      // Another turn of the event loop: most are sent while others are being written.
      await new Promise(setImmediate);
    }
    const sent = await Promise.all(sending);
    expect(sent.flat().every((outcome) => outcome === 'sent')).toBe(true);
    await until('all have arrived', () => client.arrived.length === 500);
    expect(client.bodies()).toEqual(bodies);
  });

  it('come one at a time within a few milliseconds, and do not wait for a look', async () => {
    const client = await openBox(open({ pollInterval: 60_000 }));
    const by = open();
    await untilHinted(client, by);
    const took: number[] = [];
    for (let round = 0; round < 20; round++) {
      const [before, began] = [client.arrived.length, performance.now()];
      await client.send(by, 'x');
      await until('it has arrived', () => client.arrived.length > before);
      took.push(performance.now() - began);
    }
    took.sort((a, b) => a - b);
    console.log(`An answer takes ${Math.round(took[10]!)} ms (median of 20)`);
    expect(took[10]).toBeLessThan(1000);
  });

  it('come without any hint', async () => {
    const client = await openBox(open({ hints: false }));
    const by = open({ hints: false });
    for (let round = 1; round <= 3; round++) {
      await client.send(by, String(round));
      await until('it has arrived', () => client.arrived.length === round);
    }
  });

  it('of many megabytes that are sent together come in portions, none of which waits for a look', async () => {
    const client = await openBox(open({ pollInterval: 60_000 }));
    const by = open();
    await untilHinted(client, by);
    const before = client.arrived.length;
    const large = 'x'.repeat(1_000_000);
    await client.send(by, ...Array.from({ length: 20 }, (_, at) => `${at} ${large}`));
    await until('all have arrived', () => client.arrived.length === before + 20);
    const numbers = client.bodies().map((body) => Number.parseInt(body!, 10));
    expect(numbers.slice(before)).toEqual(Array.from({ length: 20 }, (_, at) => at));
  });

  it('outlive the connections of both sides', async () => {
    const proxy = await startProxy(server.url);
    onTestFinished(() => proxy.close());
    const client = await openBox(open({ url: proxy.url, pollInterval: 100 }));
    const by = open();
    for (let round = 1; round <= 10; round++) {
      const [outcome] = await client.send(by, String(round));
      expect(outcome).toBe('sent');
      if (round % 3 === 0) proxy.cut();
    }
    await until('all have arrived', () => new Set(client.bodies()).size === 10);
    expect([...new Set(client.bodies())]).toEqual(
      Array.from({ length: 10 }, (_, at) => String(at + 1)),
    );
  });
});

describe('boxes', () => {
  it('of clients that are gone are collected, with the answers in them', async () => {
    const client = await openBox(open());
    client.waiting = false;
    const other = await openBox(open());
    await client.send(open(), 'never read');
    await server.pool.query(
      "update streams.reply_box set fresh_until = now() - interval '2 minutes' where address = $1",
      [client.box.address],
    );
    expect(await client.send(open(), 'too late')).toEqual(['gone']);
    const boxes = await count('reply_box');
    await server.pool.query('select streams.collect_garbage()');
    expect(await count('reply_box')).toBe(boxes - 1);
    await other.send(open(), 'still there');
    await until('it has arrived', () => other.arrived.length === 1);
  });

  it('leave nothing behind when they are closed', async () => {
    const client = await openBox(open());
    const by = open();
    const before = await count('reply_box');
    await client.send(by, '1', '2');
    await until('both have arrived', () => client.arrived.length === 2);
    client.waiting = false;
    await client.send(by, '3');
    await client.box.close();
    expect(await count('reply_box')).toBe(before - 1);
    const { rows } = await server.pool.query(
      'select 1 from streams.reply where box not in (select id from streams.reply_box)',
    );
    expect(rows).toEqual([]);
    expect(await client.send(by, 'late')).toEqual(['gone']);
  });

  it('that were deleted are made again while a caller waits', async () => {
    const client = await openBox(open({ pollInterval: 50 }));
    const by = open();
    await server.pool.query('delete from streams.reply_box');
    expect(await client.send(by, 'lost')).toEqual(['gone']);
    await until('it is there', async () => (await client.send(by, 'again'))[0] === 'sent');
    await until('it has arrived', () => client.bodies().includes('again'));
  });

  it('that cannot be read for long tell their client', async () => {
    const proxy = await startProxy(server.url);
    onTestFinished(() => proxy.close());
    const client = await openBox(open({ url: proxy.url, pollInterval: 50, connectTimeout: 500 }));
    await proxy.close();
    await until('it is told', () => client.lost.length > 0);
    expect(client.lost[0]).toMatchObject({ code: 'POSTGRES_CONNECTION' });
  });
});
