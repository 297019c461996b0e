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
