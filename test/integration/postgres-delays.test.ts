import type { PoolClient } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { Scheduler } from '../../lib/delays/scheduler.js';
import type { PostgresOptions } from '../../lib/drivers/postgres/connection/postgres.options.js';
import { postgres } from '../../lib/drivers/postgres/postgres.driver.js';
import type { DelayedEntry, DelayStore, Promoted } from '../../lib/ports/delays.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

const LATER = 3_600_000;

let server: TestPostgres;
let stream: string;
let names = 0;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());
beforeEach(() => {
  stream = `later-${++names}`;
});

function open(options: PostgresOptions = {}) {
  const driver = postgres({ url: server.url, ...options }).open({
    events: new EventBus(),
    keyPrefix: '',
  });
  onTestFinished(() => driver.source.close());
  return driver.delays!;
}

/** As the runtime of a process has one. It promotes until the test ends. */
async function promoter(delays: DelayStore, streams: readonly string[] = [stream]) {
  const scheduler = new Scheduler({ delays, clock: systemClock, events: new EventBus() });
  onTestFinished(() => scheduler.stop());
  await scheduler.start();
  scheduler.keep(streams);
}

const entryOf = (value: string | number, when: DelayedEntry['when']): DelayedEntry => ({
  stream,
  fields: ['value', String(value)],
  when,
});

interface Row {
  readonly value: string;
  readonly publishedAt: number;
}

/** All that is in the stream. */
async function published(): Promise<Row[]> {
  const { rows } = await server.pool.query<{ fields: string; published_at: string }>(
    `select fields, published_at from streams.message
      join streams.stream on stream.id = message.stream where name = $1 order by message.id`,
    [stream],
  );
  return rows.map(({ fields, published_at }) => ({
    value: (JSON.parse(fields) as string[])[1]!,
    publishedAt: Number(published_at),
  }));
}

const valuesOf = (rows: readonly Row[]): string[] => rows.map(({ value }) => value);

/** Begins a transaction in which no message can be published. */
async function holdUpPublishing(): Promise<PoolClient> {
  const client = await server.pool.connect();
  await client.query('begin');
  await client.query('lock table streams.message in share mode');
  return client;
}

async function goOn(client: PoolClient): Promise<void> {
  await client.query('rollback');
  client.release();
}

/** Process ids of the server for statements that wait for a lock. */
async function waitingFor(what: string): Promise<number[]> {
  const { rows } = await server.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity where wait_event_type = 'Lock' and query like $1`,
    [`%${what}%`],
  );
  return rows.map(({ pid }) => pid);
}

const untilWaiting = (what: string) =>
  until(`${what} waits`, async () => (await waitingFor(what)).length > 0);

describe('promoting', () => {
  it('ten thousand due at once, by three processes, publishes each once and in order', async () => {
    const stores = [open(), open(), open()];
    const at = Date.now() + 500;
    const many = Array.from({ length: 10_000 }, (_, index) => String(index));
    await stores[0]!.schedule(many.map((value) => entryOf(value, { at })));
    await Promise.all(stores.map((store) => promoter(store)));
    await until('all are published', async () => (await published()).length === 10_000, 20_000);
    const rows = await published();
    expect(valuesOf(rows)).toEqual(many);
    expect(rows[0]!.publishedAt).toBeGreaterThanOrEqual(at);
    console.log(`10,000 due at once: the last ${rows.at(-1)!.publishedAt - at} ms late`);
    expect(await stores[0]!.promote([stream])).toEqual([{ moved: 0, lost: 0, nextIn: undefined }]);
  });

  it('by a second process at the same time moves nothing, waits for nothing, and comes again', async () => {
    const [one, other] = [open(), open()];
    await one.schedule([entryOf('1', { at: 1 })]);
    const holding = await holdUpPublishing();
    const promoting = one.promote([stream]);
    await untilWaiting('promote');
    const [answer] = (await other.promote([stream])) as Promoted[];
    expect(answer).toMatchObject({ moved: 0, lost: 0 });
    expect(answer!.nextIn).toBeGreaterThan(0);
    expect(answer!.nextIn).toBeLessThan(100);
    await goOn(holding);
    expect(await promoting).toMatchObject([{ moved: 1 }]);
    expect(valuesOf(await published())).toEqual(['1']);
  });

  it('that is cut off in between loses nothing and publishes nothing twice', async () => {
    const [one, other] = [open(), open()];
    const values = ['1', '2', '3'];
    await one.schedule(values.map((value) => entryOf(value, { at: 1 })));
    const holding = await holdUpPublishing();
    const promoting = one.promote([stream]);
    await untilWaiting('promote');
    for (const pid of await waitingFor('promote')) {
      await server.pool.query('select pg_terminate_backend($1)', [pid]);
    }
    expect(await promoting).toEqual([expect.any(Error)]);
    await goOn(holding);
    expect((await one.list(stream, 10)).items).toHaveLength(3);
    expect(await other.promote([stream])).toMatchObject([{ moved: 3 }]);
    expect(await one.promote([stream])).toMatchObject([{ moved: 0, nextIn: undefined }]);
    expect(valuesOf(await published())).toEqual(values);
  });

  it('wins over a cancellation that comes later, and the canceller is told', async () => {
    const [one, other] = [open(), open()];
    const [id] = await one.schedule([entryOf('1', { at: 1 })]);
    const holding = await holdUpPublishing();
    const promoting = one.promote([stream]);
    await untilWaiting('promote');
    const cancelling = other.cancel(stream, id as string);
    const moving = other.reschedule(stream, id as string, { in: LATER });
    await untilWaiting('delete');
    await untilWaiting('update');
    await goOn(holding);
    expect(await promoting).toMatchObject([{ moved: 1 }]);
    expect([await cancelling, await moving]).toEqual([false, false]);
    expect(valuesOf(await published())).toEqual(['1']);
  });

  it('leaves an entry that was given a later time, also on servers that follow it to its new place', async () => {
    await open().promote([stream]);
    const { rows } = await server.pool.query<{ text: string }>(
      `select pg_get_functiondef('streams.publish_due'::regproc) as text`,
    );
    // Servers that were updated in November 2025 or later do not follow: what they do shows nothing.
    expect(rows[0]!.text).toMatch(/d\.ctid = any \([^;]*?portion\)\)\s+and d\.due_at <= p_now/);
  });

  it('500 streams at once moves what is due of each', async () => {
    const one = open();
    const streams = Array.from({ length: 500 }, (_, index) => `${stream}-${index}`);
    await one.schedule(
      streams.map((of, index) => ({ ...entryOf('x', { in: index % 50 ? LATER : 0 }), stream: of })),
    );
    const results = (await one.promote(streams)) as Promoted[];
    expect(results.filter(({ moved }) => moved === 1)).toHaveLength(10);
    expect(results.every(({ moved, nextIn }) => (moved === 1) === (nextIn === undefined))).toBe(
      true,
    );
  });
});

describe('who waits for delayed messages', () => {
  it('is told by a hint of those that another process has stored', async () => {
    // Looks are no help here.
    const [one, other] = [open(), open({ pollInterval: 60_000 })];
    await promoter(other, []);
    await one.schedule([entryOf('first', { in: 0 })]);
    await until('it is published', async () => (await published()).length === 1, 8000);
    const began = Date.now();
    await one.schedule([entryOf('second', { in: 100 })]);
    await until('it is published', async () => (await published()).length === 2);
    const late = (await published())[1]!.publishedAt - began - 100;
    expect(late).toBeGreaterThanOrEqual(0);
    expect(late).toBeLessThan(1000);
  });

  it('finds them without any hint', async () => {
    const deaf = { hints: false, pollInterval: 100 };
    const [one, other] = [open(deaf), open(deaf)];
    await promoter(other, []);
    await one.schedule([entryOf('1', { in: 50 })]);
    await until('it is published', async () => (await published()).length === 1);
  });

  it.each([LATER, -LATER])(
    'goes by the clock of the server where that of the process is %d ms off',
    async (skew) => {
      const one = open();
      await promoter(one);
      const { now } = Date;
      onTestFinished(() => void (Date.now = now));
      const before = now();
      Date.now = () => now() + skew;
      await one.schedule([entryOf('in', { in: 300 })]);
      await one.schedule([entryOf('at', { at: before + 400 })]);
      await until('both are published', async () => (await published()).length === 2, 8000);
      const [first, second] = await published();
      expect(first!.publishedAt - before).toBeGreaterThanOrEqual(300);
      expect(second!.publishedAt - before).toBeGreaterThanOrEqual(400);
    },
  );
});
