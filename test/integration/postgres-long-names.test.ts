import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { NameTooLongError } from '../../lib/drivers/postgres/errors/name.errors.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { PostgresReader, take } from '../support/postgres-reader.js';

const LONGEST = 800;
/** More than an index of PostgreSQL takes, and than any limit of a name. */
const HUGE = 5000;

const PROCESS = { host: 'h', pid: 1, application: undefined, version: '1' };

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

function open(): PostgresReader {
  const reader = new PostgresReader({ url: server.url });
  onTestFinished(() => reader.close());
  return reader;
}

/** A name of so many bytes, which the server cannot compress. */
const nameOf = (bytes: number): string => randomBytes(bytes).toString('base64').slice(0, bytes);

const tooLong = (kind: string, bytes: number) => ({
  code: 'NAME_TOO_LONG',
  kind,
  bytes,
  limit: LONGEST,
  message: expect.stringMatching(/has \d+ bytes.*Use a shorter name/) as string,
});

test('names of the greatest length work everywhere', async () => {
  const reader = open();
  const { driver } = reader;
  const [stream, group, consumer] = [nameOf(LONGEST), nameOf(LONGEST), nameOf(LONGEST)];
  await reader.publish(stream, 'a');
  const membership = await driver.live!.join({
    ...{ group, consumer, instance: 'i', timeToLive: 10_000 },
    process: PROCESS,
    streams: [
      { stream, events: ['*'], options: { idleTimeout: 1000, maxDeliveries: 3, ordered: false } },
    ],
  });
  const subscription = await reader.read(stream, group, { consumer });
  const [lease] = await take(subscription, 1);
  await driver.deadLetters!.put(
    {
      ...{ stream, group, id: lease!.id, publishedAt: new Date().toISOString() },
    } as never,
    ['a', 'b'],
  );
  expect(
    await driver.pending!.claim(stream, group, { consumer, minIdleMs: 0, ids: [lease!.id] }),
  ).toEqual([lease!.id]);
  await reader.ack(lease!);
  await membership.leave();
});

test('one entry with a longer name of its stream is refused, and the others are published', async () => {
  const reader = open();
  const long = nameOf(LONGEST + 1);
  const fields = ['a', 'b'];
  const entries = [
    { stream: 'one', fields },
    { stream: long, fields },
    { stream: 'two', fields },
  ];
  const delayed = entries.map((entry) => ({ ...entry, when: { in: 60_000 } }));
  for (const results of [
    await reader.driver.source.publish(entries),
    await reader.driver.delays!.schedule(delayed),
  ]) {
    expect(results).toEqual([expect.any(String), expect.any(NameTooLongError), expect.any(String)]);
    expect(results[1]).toMatchObject(tooLong('stream', LONGEST + 1));
  }
  const subscription = await reader.read('one', 'workers');
  const [lease] = await take(subscription, 1);
  const publish = [{ stream: long, fields }];
  const [outcome] = await reader.driver.source.settle([
    { lease: lease!, settlement: { kind: 'ack', publish } },
  ]);
  expect(outcome).toMatchObject(tooLong('stream', LONGEST + 1));
});

test('within a transaction a longer name is refused before anything is sent', async () => {
  const reader = open();
  const client = await server.pool.connect();
  onTestFinished(() => client.release());
  await client.query('begin');
  const publish = (stream: string) =>
    reader.driver.source.publishWithin!(client, [{ stream, fields: ['a', 'b'] }]);
  await expect(publish(nameOf(HUGE))).rejects.toMatchObject(tooLong('stream', HUGE));
  expect(await publish('within')).toHaveLength(1);
  await client.query('commit');
});

test('the bytes of a name are counted, with the key prefix', async () => {
  const reader = open();
  const [result] = await reader.driver.source.publish([
    { stream: 'ü'.repeat(LONGEST / 2 + 1), fields: ['a', 'b'] },
  ]);
  expect(result).toMatchObject(tooLong('stream', LONGEST + 2));
  const prefixed = new PostgresReader({ url: server.url }, 'shop:');
  onTestFinished(() => prefixed.close());
  const [refused] = await prefixed.driver.source.publish([
    { stream: nameOf(LONGEST), fields: ['a', 'b'] },
  ]);
  expect(refused).toMatchObject(tooLong('stream', LONGEST + 'shop:'.length));
});

test('groups and consumers with longer names are refused by the call that names them', async () => {
  const reader = open();
  const { groups, pending, live, ownership } = reader.driver;
  const long = nameOf(HUGE);
  const create = (stream: string, group: string) =>
    groups!.create(stream, group, { startId: '0', createStream: true });
  await expect(create('orders', long)).rejects.toMatchObject(tooLong('group', HUGE));
  await expect(create(long, 'workers')).rejects.toMatchObject(tooLong('stream', HUGE));
  await create('orders', 'workers');
  await expect(reader.read('orders', long)).rejects.toMatchObject(tooLong('group', HUGE));
  await expect(reader.read(long, 'workers')).rejects.toMatchObject(tooLong('stream', HUGE));
  await expect(reader.read('orders', 'workers', { consumer: long })).rejects.toMatchObject(
    tooLong('consumer', HUGE),
  );
  await expect(
    pending!.claim('orders', 'workers', { consumer: long, minIdleMs: 0, ids: ['1'] }),
  ).rejects.toMatchObject(tooLong('consumer', HUGE));
  const announcement = { group: 'workers', consumer: long, instance: 'i', timeToLive: 1000 };
  await expect(
    live!.join({ ...announcement, process: PROCESS, streams: [] }),
  ).rejects.toMatchObject(tooLong('consumer', HUGE));
  const joined = ownership!.join({
    ...{ service: 'billing', consumer: long, lease: 1000, blockTimeout: 100, hints: 'off' },
    onHint: () => undefined,
    onReconnected: () => undefined,
  });
  await expect(joined.open()).rejects.toMatchObject(tooLong('consumer', HUGE));
  await joined.close();
});

test('keys have any length', async () => {
  const { driver } = open();
  const [key, other] = [nameOf(HUGE), nameOf(HUGE)];
  await driver.state!.set(key, 'value');
  expect([await driver.state!.get(key), await driver.state!.get(other)]).toEqual([
    'value',
    undefined,
  ]);
  const publish = (idempotencyKey: string) =>
    driver.source.publish([
      {
        stream: 'keys',
        fields: ['a', 'b'],
        idempotency: { key: idempotencyKey, window: 'native' as const },
      },
    ]);
  const [first] = await publish(key);
  expect(await publish(key)).toEqual([first]);
  expect(await publish(other)).not.toEqual([first]);
});
