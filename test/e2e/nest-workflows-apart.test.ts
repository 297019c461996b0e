import { randomUUID } from 'node:crypto';
import {
  fanOut,
  next,
  redis,
  StreamsTransport,
  UnrecoverableError,
  Workflows,
} from 'nestjs-redis-streams';
import type { Slots, WorkflowFailure } from 'nestjs-redis-streams';
import { memory, MemoryBroker, StreamsTestKit } from 'nestjs-redis-streams/memory';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { StateStore } from '../../lib/ports/state-store.js';
import { driverWith } from '../support/driver-with.js';
import { gate } from '../support/engine.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';
import { flow } from '../support/workflow-app.js';

let server: TestRedis;
beforeAll(async () => void (server = await testRedis()));
afterAll(() => server.cleanup());

/** The methods of a store, as an object of the application. */
const asObject = (state: StateStore): StateStore => ({
  get: (key) => state.get(key),
  set: (key, value, ttl) => state.set(key, value, ttl),
  setIfAbsent: (key, value, ttl) => state.setIfAbsent(key, value, ttl),
  compareAndSet: (key, expected, value, ttl) => state.compareAndSet(key, expected, value, ttl),
  delete: (key) => state.delete(key),
  exists: (key) => state.exists(key),
});

const drivers: Driver[] = [];
afterAll(() => Promise.all(drivers.map(({ source }) => source.close())));

/** What may fill the slot of the state store, and the names under which it keeps workflows. */
const STORES: readonly (readonly [string, () => Slots['stateStore'], string])[] = [
  ["Redis's own workflows", () => redis({ url: server.url }), '{P:workflow:W}:'],
  [
    'the state store of a driver without workflows',
    () => driverWith(redis({ url: server.url }), () => ({ workflows: undefined })),
    'P:workflow:',
  ],
  [
    'a store of the application',
    () => {
      const context = { events: new EventBus(), keyPrefix: `${server.prefix}P:` };
      const driver = redis({ url: server.url }).open(context);
      drivers.push(driver);
      return asObject(driver.state!);
    },
    'P:workflow:',
  ],
];

test.each(STORES)(
  'messages in memory, workflows in %s: a join, a look, and a cancellation',
  async (_, store, keys) => {
    const kit = new StreamsTestKit({ keyPrefix: `${server.prefix}P:` });
    const broker = new MemoryBroker();
    const cancelled = gate();
    const slots = { messageSource: memory({ broker }), stateStore: store()! };
    const options = { slots, keyPrefix: `${server.prefix}P:` };
    const { app, events, payloadOf } = await flow(
      {
        split: (parts: number[]) =>
          fanOut(
            parts.map((part) => next('part', part)),
            { join: 'joined', onFailure: 'undo' },
          ),
        part: (n: number) => {
          if (n < 0) throw new UnrecoverableError('no');
          return n * 10;
        },
        joined: ({ results }: { results: number[] }) => ({ sum: results[0]! + results[2]! }),
        undo: () => 'undone',
        wait: () => cancelled.promise.then(() => next('never')),
        never: () => undefined,
      },
      { kit, options },
    );
    const workflows = app.get(Workflows);
    const status = async (id: string) => (await workflows.get(id))?.status;
    const name = randomUUID();
    const id = `joined-${name}`;
    await workflows.start('split', [1, 2, 3], { id });
    await until('it is completed', async () => (await status(id)) === 'completed');
    expect(payloadOf('joined')).toEqual({ results: [10, 20, 30] });
    expect((await workflows.get(id))!.steps).toMatchObject([
      { step: '0', event: 'split' },
      { event: 'part', result: 10 },
      { event: 'part', result: 20 },
      { event: 'part', result: 30 },
      { event: 'joined', result: { sum: 40 } },
    ]);

    const failing = `failed-${name}`;
    await workflows.start('split', [1, -1, 3], { id: failing });
    await until('the hook has run', () => events().includes('undo'));
    expect(payloadOf<WorkflowFailure>('undo')).toMatchObject({
      results: [10, null, 30],
      failures: [{ index: 1 }],
    });
    await until('it is known', async () => (await status(failing)) === 'failed');

    const waiting = `cancelled-${name}`;
    await workflows.start('wait', {}, { id: waiting });
    await until('its first step runs', () => events().includes('wait'));
    expect(await workflows.cancel(waiting)).toBe(true);
    cancelled.open();
    await until('its step was not run', async () =>
      (await workflows.get(waiting))!.steps.some((step) => step.status === 'cancelled'),
    );
    expect(events()).not.toContain('never');

    const there = keys.replace('P:', `${server.prefix}P:`).replace('W', id);
    const stored = (await server.client.keys('*')).filter((key) => key.startsWith(there));
    expect(stored).not.toEqual([]);
    expect(broker.workflows.size).toBe(0);
  },
);

/** The state store of a memory driver, of which one kind of key hangs until it is opened, or refuses. */
function faltering(kit: StreamsTestKit) {
  const { state } = kit.source.open({ events: new EventBus(), keyPrefix: 'apart:' });
  const away = gate();
  const fault = { keys: ':join:', hangs: false, refuses: false, refused: 0 };
  const meet = async (key: string): Promise<void> => {
    if (!key.includes(fault.keys)) return;
    if (fault.hangs) await away.promise;
    if (fault.refuses && ++fault.refused) throw new Error('The store is away.');
  };
  const store: StateStore = {
    ...asObject(state!),
    get: (key) => meet(key).then(() => state!.get(key)),
    compareAndSet: (key, ...rest) => meet(key).then(() => state!.compareAndSet(key, ...rest)),
  };
  return { store, fault, open: () => ((fault.hangs = false), away.open()) };
}

const PARTS = {
  split: () => fanOut([next('part', 1), next('part', 2)], { join: 'joined', onFailure: 'undo' }),
  part: (n: number) => {
    if (n === 2) throw new UnrecoverableError('no');
    return n;
  },
  joined: () => undefined,
  undo: () => undefined,
  other: () => undefined,
  broken: () => {
    throw new UnrecoverableError('no');
  },
};

test('a state store that hangs at a join holds up the ends of its branches, and nothing else', async () => {
  const kit = new StreamsTestKit({ routes: [{ events: ['*'], stream: 'one' }] });
  const { store, fault, open } = faltering(kit);
  fault.hangs = true;
  const slots = { messageSource: kit.source, stateStore: store, deadLetterQueue: memory() };
  const routes = [{ events: ['*'], stream: 'one' }];
  const { events } = await flow(PARTS, { kit, options: { slots, routes } });
  await kit.publish('split', {});
  await kit.advance(0);
  await kit.publish('other', {});
  await kit.publish('broken', {});
  await kit.advance(0);
  const outcomes = () => kit.settled.map(({ eventType, outcome }) => [eventType, outcome]);
  expect(outcomes()).toEqual([
    ['split', 'handled'],
    ['other', 'handled'],
    ['broken', 'dead-lettered'],
  ]);
  open();
  await kit.idle();
  expect(events().sort()).toEqual(['broken', 'other', 'part', 'part', 'split', 'undo']);
  expect(outcomes()).toContainEqual(['part', 'dead-lettered']);
});

test('a state store that refuses loses no branch: its settlement is tried again, and no step runs again', async () => {
  const kit = new StreamsTestKit();
  const { store, fault } = faltering(kit);
  fault.refuses = true;
  const slots = { messageSource: kit.source, stateStore: store };
  const { events, app } = await flow(
    { ...PARTS, part: (n: number) => n },
    { kit, options: { slots } },
  );
  const errors: string[] = [];
  app.get(StreamsTransport).on('worker-error', ({ worker }) => errors.push(worker));
  await kit.publish('split', {});
  for (let turn = 0; turn < 20; turn++) await kit.advance(1000);
  expect(fault.refused).toBeGreaterThan(2);
  expect(errors).toContain('settler');
  fault.refuses = false;
  await kit.advance(10_000);
  await kit.idle();
  expect(events()).toEqual(['split', 'part', 'part', 'joined']);
});

test('a step does not run while the state store cannot tell whether it was cancelled', async () => {
  const kit = new StreamsTestKit();
  const { store, fault } = faltering(kit);
  Object.assign(fault, { keys: ':state:', refuses: true });
  const slots = { messageSource: kit.source, stateStore: store };
  const { events, workflows } = await flow(
    { first: () => next('second'), second: () => 'done' },
    { kit, options: { slots, maxDeliveries: 20 }, maxDeliveries: 20 },
  );
  const id = await kit.publish('first', {});
  await kit.advance(0);
  expect(events()).toEqual(['first']);
  fault.refuses = false;
  await workflows.cancel(`first/${id}/test`);
  for (let turn = 0; turn < 5; turn++) await kit.advance(10_000);
  expect(events()).toEqual(['first']);
  expect(kit.settled.at(-1)).toMatchObject({ eventType: 'second', outcome: 'cancelled' });
});
