import { afterEach, beforeEach, expect, it } from 'vitest';
import { memory } from '../../../lib/drivers/memory/index.js';
import type { HandlerOptions } from '../../../lib/options/handler-options.js';
import type { Slots } from '../../../lib/options/slots-options.js';
import type { DeadLetterQueue } from '../../../lib/ports/dead-letters.js';
import type { StateStore } from '../../../lib/ports/state-store.js';
import { standIn } from '../../support/stand-in.js';
import { World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

/** An engine whose messages fail once. Its dead letters go to the queue of another driver. */
async function failingOnce(parts: ConstructorParameters<typeof World>[0] = {}) {
  world = new World(parts);
  const runs: string[] = [];
  const invoke = ({ message }: { message?: { id: string } }): void => {
    const { id } = message!;
    runs.push(id);
    if (runs.filter((one) => one === id).length === 1) throw new Error('once');
  };
  const { runtime, publish, outcomes } = await world.start(
    [{ events: ['paid'], invoke, options: { maxDeliveries: 1 } }],
    { slots: { deadLetterQueue: memory() } },
  );
  const ids = [await publish('paid'), await publish('paid'), await publish('paid')];
  const { deadLetters } = runtime.admin;
  return { runtime, runs, ids, outcomes, deadLetters, source: runtime.driver.deadLetters };
}

it('a redrive from the queue of another driver reaches the message source', async () => {
  const { runs, ids, outcomes, deadLetters, source } = await failingOnce();
  const [first, second] = (await deadLetters.list('paid')).items;
  const twice = [first!.deadLetterId, first!.deadLetterId];
  expect(await deadLetters.redrive('paid', { ids: twice, group: 'other' })).toBe(0);
  expect(await deadLetters.redrive('paid', { ids: twice, group: 'g' })).toBe(1);
  await world.clock.advance(10_000);
  expect(runs).toEqual([...ids, first!.id]);
  expect((await deadLetters.list('paid')).items[0]).toEqual(second);
  expect(await deadLetters.redrive('paid', { all: true })).toBe(2);
  await world.clock.advance(10_000);
  expect(runs).toEqual([...ids, ...ids]);
  expect(outcomes().slice(3)).toEqual(['handled', 'handled', 'handled']);
  expect((await deadLetters.list('paid')).items).toEqual([]);
  expect((await source!.list('paid', 10)).items).toEqual([]);
});

it('a redrive that dies halfway leaves a copy that is listed, and that can be redriven or purged', async () => {
  const { runtime, runs, ids, deadLetters, source } = await failingOnce();
  const { redrive } = source!;
  source!.redrive = () => Promise.reject(new Error('The process died.'));
  const [first] = (await deadLetters.list('paid')).items;
  const which = { ids: [first!.deadLetterId] };
  await expect(deadLetters.redrive('paid', which)).rejects.toThrow('The process died.');
  await expect(deadLetters.redrive('paid', which)).rejects.toThrow('The process died.');
  source!.redrive = redrive;
  const { items } = await deadLetters.list('paid');
  expect(items.map(({ id }) => id)).toEqual([...ids, ids[0], ids[0]]);
  const pages: unknown[] = [];
  for (let after: string | undefined, page = 0; page < 4; page++) {
    const found = await deadLetters.list('paid', { limit: 3, ...(after && { after }) });
    pages.push(found.items.map(({ id }) => id));
    after = found.next;
    if (!after) break;
  }
  expect(pages.flat()).toEqual([...ids, ids[0], ids[0]]);
  const [copy, other] = items.slice(3).map(({ deadLetterId }) => deadLetterId);
  expect(await deadLetters.get('paid', copy!)).toEqual(items[3]);
  expect(await deadLetters.purge('paid', { ids: [copy!, first!.deadLetterId] })).toBe(2);
  expect(await deadLetters.redrive('paid', { ids: [other!], group: 'another' })).toBe(0);
  expect(await deadLetters.redrive('paid', { ids: [other!], group: 'g' })).toBe(1);
  await world.clock.advance(10_000);
  expect(runs).toEqual([...ids, ids[0]]);
  expect((await deadLetters.list('paid')).items.map(({ id }) => id)).toEqual(ids.slice(1));
  expect(await runtime.admin.deadLetters.purge('paid', { all: true })).toBe(2);
});

it('letters from before the queue of another driver are listed, and redriven with the others', async () => {
  const { runs, ids, deadLetters, source } = await failingOnce();
  const [first, ...rest] = (await deadLetters.list('paid')).items;
  const { deadLetterId, fields, eventType: _, payload: __, metadata: ___, ...record } = first!;
  await source!.put(record, fields);
  await deadLetters.purge('paid', { ids: [deadLetterId] });
  const listed = (await deadLetters.list('paid')).items.map(({ id }) => id);
  expect(listed).toEqual([...rest.map(({ id }) => id), ids[0]]);
  expect(await deadLetters.redrive('paid', { group: 'g' })).toBe(3);
  await world.clock.advance(10_000);
  expect([...runs.slice(3)].sort()).toEqual([...ids].sort());
  expect((await deadLetters.list('paid')).items).toEqual([]);
});

it('a source that cannot redrive refuses, and the queue keeps the letters', async () => {
  const { deadLetters } = await failingOnce({ deadLetters: undefined });
  await expect(deadLetters.redrive('paid', { all: true })).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
  });
  expect((await deadLetters.list('paid')).items).toHaveLength(3);
});

it.each<[string, Partial<Slots>, HandlerOptions]>([
  [
    'dead letter queue',
    { deadLetterQueue: standIn<DeadLetterQueue>({ put: () => new Promise(() => {}) }) },
    { maxDeliveries: 1 },
  ],
  [
    'state store',
    {
      stateStore: standIn<StateStore>({
        get: async () => undefined,
        delete: async () => false,
        exists: async () => false,
        setIfAbsent: async () => true,
        set: () => new Promise(() => {}),
        compareAndSet: () => new Promise(() => {}),
      }),
    },
    { dedupe: true },
  ],
])('a %s that hangs holds up only what it stores', async (_, slots, options) => {
  const invoke = (): void => {
    if (options.maxDeliveries) throw new Error('no');
  };
  const { publish, settled } = await world.start(
    [
      { events: ['paid'], invoke, options: { streams: ['orders'], ...options } },
      { events: ['sent'], invoke: () => undefined, options: { streams: ['orders'] } },
    ],
    { slots, routes: [{ events: ['*'], stream: 'orders' }] },
  );
  await publish('paid');
  await publish('sent');
  await publish('sent');
  expect(settled.map(({ eventType }) => eventType)).toEqual(['sent', 'sent']);
});

it('letters are listed once where the other driver is on the server of the source', async () => {
  const queue = memory({ broker: world.broker });
  const { runtime, publish } = await world.start(
    [
      {
        events: ['paid'],
        invoke: () => Promise.reject(new Error('no')),
        options: { maxDeliveries: 1 },
      },
    ],
    { slots: { deadLetterQueue: queue } },
  );
  const ids = [await publish('paid'), await publish('paid')];
  const { deadLetters } = runtime.admin;
  const page = await deadLetters.list('paid', { limit: 1 });
  const rest = await deadLetters.list('paid', { limit: 2, after: page.next! });
  expect([...page.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
  expect(rest.next).toBeUndefined();
  expect(await deadLetters.purge('paid', { ids: [rest.items[0]!.deadLetterId] })).toBe(1);
  expect(await deadLetters.redrive('paid', { all: true })).toBe(1);
});
