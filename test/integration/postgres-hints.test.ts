import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { Database } from '../../lib/drivers/postgres/connection/database.js';
import { Hints } from '../../lib/drivers/postgres/connection/hints.js';
import { Listener } from '../../lib/drivers/postgres/connection/listener.js';
import { SchemaName } from '../../lib/drivers/postgres/connection/statements.js';
import { prepareSchema } from '../../lib/drivers/postgres/schema/prepare-schema.js';
import { Streams } from '../../lib/drivers/postgres/streams/streams.js';
import { testPostgres, type TestPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';

let server: TestPostgres;
beforeAll(async () => void (server = await testPostgres()));
afterAll(() => server.cleanup());

function opened() {
  const schema = new SchemaName('a "schema"');
  const database = new Database({
    options: { url: server.url },
    schema,
    events: new EventBus(),
    prepare: (statements) => prepareSchema(statements, schema, true),
  });
  return { database, hints: new Hints(database, true), listener: new Listener(database, true) };
}

test('hints reach the listeners of their kind in other connections', async () => {
  const [one, other] = [opened(), opened()];
  const heard: (readonly string[])[] = [];
  other.listener.on('messages', (what) => heard.push(what));
  other.listener.on('delays', () => heard.push(['wrong']));
  await until('it listens', () => other.listener.hears);
  one.hints.tell('messages', 'orders', 'an "odd"\0 name');
  one.hints.tell('messages', 'orders');
  await until('the hint is heard', () => heard.length > 0);
  expect(heard).toEqual([['orders', 'an "odd"\0 name']]);
  for (const { listener, database } of [one, other]) {
    await listener.close();
    await database.close();
  }
});

test('streams get numbers that all processes agree on', async () => {
  const databases = Array.from({ length: 5 }, () => opened().database);
  const names = Array.from({ length: 20 }, (_, at) => `stream-\ud800-\0-${at}`);
  const ids = await Promise.all(
    databases.map((database) => new Streams(database, 'p:').idsOf([...names, names[0]!])),
  );
  expect(new Set(ids[0]).size).toBe(20);
  for (const other of ids) expect(other).toEqual(ids[0]);
  const streams = new Streams(databases[0]!, 'p:');
  expect(await streams.find(names[3]!)).toBe(ids[0]![3]);
  expect(await new Streams(databases[0]!, 'q:').find(names[3]!)).toBeUndefined();
  expect(streams.nameOf(ids[0]![3]!)).toBe(names[3]);
  await Promise.all(databases.map((database) => database.close()));
});
