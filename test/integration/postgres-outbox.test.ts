import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionError } from '../../lib/core/errors/connection.errors.js';
import { ServerReplyError } from '../../lib/core/errors/server.errors.js';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StreamsEventName, StreamsEvents } from '../../lib/core/events.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import { openOutboxStore } from '../../lib/drivers/postgres/outbox/open-outbox-store.js';
import { Relay } from '../../lib/outbox/relay.js';
import type { RelayParts } from '../../lib/outbox/relay-parts.js';
import type { OutboxMessage, OutboxStore } from '../../lib/ports/outbox-store.js';
import { until } from '../support/until.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';

let postgres: TestPostgres;
let store: OutboxStore;

beforeAll(async () => {
  postgres = await testPostgres();
  store = openOutboxStore({ url: postgres.url }, new EventBus());
  await store.lag();
});
afterAll(async () => {
  await store?.close();
  await postgres?.cleanup();
});
beforeEach(async () => {
  await postgres.pool.query('truncate streams.outbox, streams.outbox_dead');
  await postgres.pool.query(
    'update streams.outbox_partition set relay = null, expires_at = null, doubt_since = null',
  );
});

const entry = (stream: string, text: string): OutgoingEntry => ({ stream, fields: ['n', text] });

/** Writes messages in one transaction. */
async function put(messages: readonly OutboxMessage[]): Promise<void> {
  const client = await postgres.pool.connect();
  await client.query('begin');
  await store.put(client, messages);
  await client.query('commit');
  client.release();
}

async function write(...texts: readonly string[]): Promise<void> {
  await put(texts.map((text) => ({ key: text.split(':')[0]!, entry: entry('orders', text) })));
}

/** A source that remembers keys, and what it was given. */
class Source {
  readonly texts: string[] = [];
  readonly keys = new Set<string>();
  readonly batches: number[] = [];
  refuse: (text: string) => Error | undefined = () => undefined;

  readonly publish = async (entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> => {
    this.batches.push(entries.length);
    return entries.map(({ fields, idempotency }) => {
      const error = this.refuse(fields[1]!);
      if (error) return error;
      const { key } = idempotency!;
      if (!this.keys.has(key)) this.texts.push(fields[1]!);
      this.keys.add(key);
      return '1-1';
    });
  };
}

const running: Relay[] = [];
const events = new EventBus();

async function withRelay(
  publish: RelayParts['publish'],
  work: (relay: Relay) => Promise<void>,
  options: Partial<RelayParts> = {},
): Promise<void> {
  const relay = new Relay({
    store,
    publish,
    clock: systemClock,
    events,
    batchSize: 500,
    relayInterval: 50,
    leaseDuration: 5000,
    maxRefusals: 3,
    idempotencyWindow: 60_000,
    ...options,
  });
  running.push(relay);
  await relay.start();
  try {
    await work(relay);
  } finally {
    await relay.stop();
  }
}

const heard = <N extends StreamsEventName>(name: N): StreamsEvents[N][] => {
  const list: StreamsEvents[N][] = [];
  events.on(name, (event) => list.push(event));
  return list;
};

const waiting = async (): Promise<number> => (await store.lag()).waiting;

describe('the outbox in PostgreSQL', () => {
  it('publishes what has committed, in order per key, and deletes it', async () => {
    const source = new Source();
    const client = await postgres.pool.connect();
    await client.query('begin');
    await store.put(client, [{ key: 'a', entry: entry('orders', 'rolled back') }]);
    await client.query('rollback');
    await write(...Array.from({ length: 2000 }, (_, at) => `${'abc'[at % 3]}:${at}`));
    await withRelay(source.publish, async () => {
      await until('done', async () => (await waiting()) === 0);
    });
    client.release();
    expect(source.texts).toHaveLength(2000);
    for (const key of 'abc') {
      const own = source.texts.filter((text) => text.startsWith(key)).map((t) => +t.slice(2));
      expect(own).toEqual([...own].sort((x, y) => x - y));
    }
    expect(Math.max(...source.batches)).toBeLessThanOrEqual(500);
  });

  it('prepares itself while transactions have taken up the pool of the application', async () => {
    const pool = new Pool({ connectionString: postgres.url, max: 1 });
    const sharing = openOutboxStore({ pool }, new EventBus());
    const client = await pool.connect();
    try {
      await client.query('begin');
      const put = sharing.put(client, [{ key: 'k', entry: entry('orders', 'shared') }]);
      expect(await Promise.race([put, sleep(5000)])).toHaveLength(1);
      await client.query('commit');
    } finally {
      client.release(true);
    }
    expect(await waiting()).toBe(1);
    await sharing.close();
    await pool.end();
  });

  it('keeps nothing of a transaction that is rolled back before the writing is awaited', async () => {
    const client = await postgres.pool.connect();
    await write('a:1');
    await client.query('begin');
    const written = store.put(client, [{ key: 'a', entry: entry('orders', 'a:2') }]);
    await client.query('rollback');
    await written;
    client.release();
    expect(await waiting()).toBe(1);
  });

  it('neither skips nor holds up for a transaction that commits late', async () => {
    const source = new Source();
    const late = await postgres.pool.connect();
    await late.query('begin');
    await store.put(late, [{ key: 'k', entry: entry('orders', 'late') }]);
    await write('k:early');
    await withRelay(source.publish, async () => {
      await until('done', () => source.texts.length === 1);
      await late.query('commit');
      await until('done', () => source.texts.length === 2);
    });
    late.release();
    expect(source.texts).toEqual(['k:early', 'late']);
  });

  it('keeps any text, due times, and the key of the application', async () => {
    const odd = '␚ \0 \ud800 "\\ 😀';
    const given: OutgoingEntry[] = [];
    await put([
      {
        key: odd,
        entry: {
          stream: odd,
          fields: [odd, '', odd, odd],
          idempotency: { key: odd, window: 1 },
          when: { at: 5 },
          waitReplicas: 2,
        },
      },
      { key: odd, entry: { stream: 's', fields: ['a', 'b'], when: { in: 60_000 } } },
    ]);
    await withRelay(
      async (entries) => {
        given.push(...entries);
        return entries.map(() => '1-1');
      },
      () => until('done', () => given.length === 2),
    );
    expect(given[0]).toEqual({
      stream: odd,
      fields: [odd, '', odd, odd],
      idempotency: { key: odd, window: 60_000 },
      when: { at: 5 },
      waitReplicas: 2,
    });
    const { when, idempotency } = given[1]!;
    expect((when as { at: number }).at - Date.now()).toBeGreaterThan(50_000);
    expect(idempotency!.key).toMatch(/^outbox-[0-9a-f-]{36}$/);
  });

  it('holds back the key of a refused message only, until the message is a dead row', async () => {
    const source = new Source();
    source.refuse = (text) =>
      text === 'bad:1' ? new ServerReplyError('publishing', new Error('no')) : undefined;
    const [refused, dead] = [heard('outbox-refused'), heard('outbox-dead')];
    await write('bad:1');
    await withRelay(source.publish, async () => {
      await until('done', () => refused.length === 1);
      await write('bad:2', ...Array.from({ length: 50 }, (_, at) => `${at}:x`));
      await until('done', () => source.texts.length === 50);
      expect(source.texts).not.toContain('bad:2');
      await until('done', () => source.texts.includes('bad:2'), 10_000);
    });
    expect(dead).toMatchObject([{ key: 'bad', stream: 'orders', refusals: 3 }]);
    const { items } = await store.deadRows({ limit: 10 });
    expect(items).toMatchObject([
      {
        key: 'bad',
        refusals: 3,
        error: expect.stringContaining('no'),
        entry: { stream: 'orders' },
      },
    ]);
    source.refuse = () => undefined;
    expect(await store.redrive([items[0]!.id])).toBe(1);
    await withRelay(source.publish, () => until('done', () => source.texts.includes('bad:1')));
    expect(await store.lag()).toMatchObject({ waiting: 0, dead: 0 });
  });

  it('waits while the source is away, without losing or counting', async () => {
    const source = new Source();
    let away = true;
    source.refuse = () =>
      away ? new ConnectionError('Redis', 'unknown', 'publishing') : undefined;
    const [stalled, resumed] = [heard('outbox-stalled'), heard('outbox-resumed')];
    await write('a:1', 'a:2', 'b:1');
    await withRelay(source.publish, async () => {
      await until('done', () => stalled.length === 1);
      away = false;
      await until('done', async () => (await waiting()) === 0);
    });
    expect([stalled.length, resumed.length]).toEqual([1, 1]);
    expect(source.texts.sort()).toEqual(['a:1', 'a:2', 'b:1']);
  });

  it('tells of messages that a relay may have published before the window', async () => {
    const doubtful = heard('outbox-doubtful');
    await write('a:1');
    // A relay that dies between publishing and noting it.
    const held = await store.hold('dead relay', 60_000);
    for (const one of held) {
      await store.next(one, 'dead relay', { published: [], certain: false }, PORTION);
    }
    await postgres.pool.query(`update streams.outbox_partition set relay = null, expires_at = null,
      doubt_since = doubt_since - interval '1 day'`);
    await withRelay(new Source().publish, () => until('done', async () => (await waiting()) === 0));
    expect(doubtful).toHaveLength(1);
    expect(doubtful[0]!.since).toBeGreaterThan(86_000_000);
    // What is settled is doubtful no more.
    await write('a:2');
    await withRelay(new Source().publish, () => until('done', async () => (await waiting()) === 0));
    expect(doubtful).toHaveLength(1);
  });

  it('lets no relay delete or refuse once another has its partition', async () => {
    await write('a:1');
    const old = (await store.hold('old', 60_000)).find(({ waiting: some }) => some)!;
    const batch = await store.next(old, 'old', { published: [], certain: false }, PORTION);
    const ids = batch === 'lost' ? [] : batch.rows.map(({ id }) => id);
    expect(ids).toHaveLength(1);
    await postgres.pool.query(
      "update streams.outbox_partition set expires_at = now() - interval '1 s'",
    );
    const [fresh] = (await store.hold('new', 60_000)).filter(({ waiting: some }) => some);
    expect(fresh!.token).not.toBe(old.token);
    expect(await store.next(old, 'old', { published: ids, certain: true }, PORTION)).toBe('lost');
    expect(await store.refuse(old, 'old', [{ id: ids[0]!, error: 'x', retryIn: undefined }])).toBe(
      'lost',
    );
    expect(await store.lag()).toMatchObject({ waiting: 1, dead: 0, relays: 1 });
  });

  it('stops in bounded time where the source does not answer, and loses nothing', async () => {
    await write('a:1');
    let asked = false;
    const never = (): Promise<never> => {
      asked = true;
      return new Promise(() => undefined);
    };
    await withRelay(never, () => until('asked', () => asked));
    expect(await waiting()).toBe(1);
  });

  it('reads as fast the tenth time, where many keys wait for a refused message', async () => {
    await postgres.pool.query(
      `insert into streams.outbox (partition, key, stream, fields, retry_at, refusals)
        select 0, 'key' || i % 3000, 's', '["n","1"]',
          case when i <= 3000 then now() + interval '1 hour' end, (i <= 3000)::int
        from generate_series(1, 30000) i`,
    );
    const held = (await store.hold('reader', 60_000)).find(({ waiting: some }) => some)!;
    const times: number[] = [];
    while (times.length < 10) {
      const began = performance.now();
      const batch = await store.next(held, 'reader', { published: [], certain: true }, PORTION);
      times.push(performance.now() - began);
      expect(batch).toMatchObject({ rows: [] });
    }
    // PostgreSQL decides at the sixth time whether a plan is made for the values of each call.
    expect(Math.min(...times.slice(-4))).toBeLessThan(10 * Math.max(...times.slice(1, 5)));
  });

  it('bounds a batch by its bytes', async () => {
    const large = 'x'.repeat(1_500_000);
    await put(Array.from({ length: 6 }, () => ({ key: 'k', entry: entry('s', large) })));
    const source = new Source();
    await withRelay(source.publish, () => until('done', async () => (await waiting()) === 0));
    expect(source.batches).toEqual([3, 3]);
  });
});

const PORTION = { limit: 10, lease: 60_000 };
