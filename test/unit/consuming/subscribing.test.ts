import { afterEach, beforeEach, expect, it } from 'vitest';
import { ack } from '../../../lib/core/settlement.js';
import { gate, World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const readers = (): number => world.broker['subscriptions'].size;
const handler = (name: string, invoke: () => unknown = () => undefined) => ({
  name,
  events: [name],
  options: {},
  invoke: async () => {
    await invoke();
    return ack;
  },
});

it('what was ended, or shut down, leaves no reader behind', async () => {
  const { runtime } = await world.start([{ events: ['x', 'y'], invoke: () => undefined }]);
  expect(readers()).toBe(1);
  await runtime.subscribe([handler('one')]);
  await runtime.subscribe([handler('two')]);
  expect(readers()).toBe(3);
  await runtime.consumers.end(runtime.consumers.find(['one', 'two']));
  expect(readers()).toBe(1);
  await runtime.consumers.end(runtime.consumers.find('x'));
  expect(readers()).toBe(1);
  await runtime.consumers.end(runtime.consumers.find('y'));
  expect(readers()).toBe(0);
  await runtime.subscribe([handler('x')]);
  await runtime.drain();
  expect(readers()).toBe(0);
});

it('ending one stream awaits what runs of it, while the others go on', async () => {
  const slow = gate();
  const app = await world.start([
    { events: ['slow'], invoke: () => slow.promise },
    { events: ['quick'], invoke: () => undefined },
  ]);
  await app.publish('slow');
  let ended = false;
  const { consumers } = app.runtime;
  const ending = consumers.end(consumers.find('slow')).then(() => (ended = true));
  await app.publish('quick');
  await app.publish('slow');
  expect(app.outcomes()).toEqual(['handled']);
  expect(ended).toBe(false);
  const again = app.runtime.subscribe([handler('slow')]);
  slow.open();
  await world.settle();
  await Promise.all([ending, again]);
  await world.settle();
  expect(app.outcomes()).toEqual(['handled', 'handled', 'handled']);
});

it('what outlives the grace period is told so, and released', async () => {
  const app = await world.start(
    [
      { events: ['stuck'], invoke: () => new Promise(() => undefined) },
      { events: ['quick'], invoke: () => undefined },
    ],
    { gracePeriod: 1000 },
  );
  await app.publish('stuck');
  const { consumers } = app.runtime;
  const ending = consumers.end(consumers.find('stuck'));
  await world.clock.advance(1000);
  await ending;
  expect(app.outcomes()).toEqual(['released']);
  await app.publish('quick');
  expect(app.outcomes()).toEqual(['released', 'handled']);
});

it('a handler that joins a bounded reader may use what the transport has', async () => {
  const blocked = gate();
  let runs = 0;
  const app = await world.start([
    { events: ['a'], options: { streams: ['s'], concurrency: 1 }, invoke: () => blocked.promise },
  ]);
  await app.runtime.subscribe([
    {
      ...handler('b', () => {
        runs++;
        return blocked.promise;
      }),
      options: { streams: ['s'] },
    },
  ]);
  for (const eventType of ['a', 'b', 'b', 'b']) {
    await app.runtime.producer.publish({ eventType, payload: 1, stream: 's' });
  }
  await world.settle();
  expect(runs).toBe(3);
  blocked.open();
});

const onStream = (name: string, ...streams: string[]) => ({
  ...handler(name),
  options: { streams },
});

it('a handler joins at once: who ends its stream at the same moment is told of it', async () => {
  const app = await world.start([
    { events: ['a'], options: { streams: ['s'] }, invoke: () => undefined },
  ]);
  const { consumers } = app.runtime;
  const joining = app.runtime.subscribe([onStream('b', 's')]);
  expect(() => consumers.find('a')).toThrow(expect.objectContaining({ code: 'STREAM_SHARED' }));
  await joining;
  await app.runtime.producer.publish({ eventType: 'b', payload: 1, stream: 's' });
  await world.settle();
  expect(app.outcomes()).toEqual(['handled']);
});

it('what cannot start as a whole leaves no handler on the streams that it joined', async () => {
  const app = await world.start([
    { events: ['a'], options: { streams: ['s'] }, invoke: () => undefined },
  ]);
  const { source } = app.runtime.driver;
  const subscribe = source.subscribe.bind(source);
  source.subscribe = () => Promise.reject(new Error('away'));
  const both = onStream('b', 's', 't');
  await expect(app.runtime.subscribe([both])).rejects.toThrow('away');
  await app.runtime.producer.publish({ eventType: 'b', payload: 1, stream: 's' });
  await world.settle();
  expect(app.outcomes()).toEqual(['filtered']);
  source.subscribe = subscribe;
  await app.runtime.subscribe([both]);
  await app.runtime.producer.publish({ eventType: 'b', payload: 1, stream: 's' });
  await world.settle();
  expect(app.outcomes()).toEqual(['filtered', 'handled']);
});
