import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { resolveOptions } from '../../lib/options/resolve-options.js';
import type { Slots } from '../../lib/options/slots-options.js';
import type { StateStore } from '../../lib/ports/state-store.js';
import type { DeadLetterQueue } from '../../lib/ports/dead-letters.js';
import type { Driver, DriverContext, DriverFactory } from '../../lib/ports/driver.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { memory } from '../../lib/drivers/memory/memory.driver.js';
import { ManualClock } from '../../lib/drivers/memory/manual-clock.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
// It makes the driver known by its name.
import '../../lib/runtime/redis.preset.js';
import { BoundSlots } from '../../lib/runtime/slots/bound-slots.js';
import { driverWith } from '../support/driver-with.js';
import { standIn, wrongly } from '../support/stand-in.js';

const context: DriverContext = { events: new EventBus(), keyPrefix: '' };

/** A memory driver that counts how often it is opened and closed. */
function counted(parts: Partial<Record<keyof Driver, unknown>> = {}) {
  const calls = { opened: 0, closed: 0, connected: 0 };
  const factory: DriverFactory = driverWith(memory(), (driver) => {
    calls.opened++;
    return {
      ...parts,
      connect: () => void calls.connected++,
      source: Object.assign(Object.create(driver.source) as Driver['source'], {
        close: async () => {
          calls.closed++;
          await driver.source.close();
        },
      }),
    };
  });
  return { factory, calls };
}

const bind = (slots: Slots, drivers = {}): BoundSlots =>
  new BoundSlots({ slots, drivers }, context);

it('a driver in three slots is opened, connected and closed once', async () => {
  const { factory, calls } = counted();
  const slots = bind({
    messageSource: factory,
    stateStore: factory,
    deadLetterQueue: factory,
  });
  slots.connect();
  await slots.close();
  expect(calls).toEqual({ opened: 1, connected: 1, closed: 1 });
  expect(slots).toMatchObject({ ownState: true, otherQueue: undefined, mode: 'full durability' });
});

it('a driver by its name is opened once for equal options, and apart for others', async () => {
  const { factory, calls } = counted();
  const drivers = { file: (_: { folder?: string }) => factory };
  const named = (folder: string) => ({ driver: 'file', config: { folder } });
  bind({ messageSource: named('a'), stateStore: named('a'), deadLetterQueue: named('a') }, drivers);
  expect(calls.opened).toBe(1);
  const apart = bind({ messageSource: named('a'), stateStore: named('b') }, drivers);
  expect(calls.opened).toBe(3);
  expect(apart).toMatchObject({ ownState: false, mode: 'stateful' });
  await apart.close();
  expect(calls.closed).toBe(2);
});

it.each([
  [{ messageSource: { driver: 'memory' } }, 'stateless', { messageSource: 'memory' }],
  [
    { messageSource: { driver: 'memory' }, stateStore: { driver: 'memory' } },
    'stateful',
    { messageSource: 'memory', stateStore: 'memory' },
  ],
  [
    {
      messageSource: { driver: 'memory' },
      stateStore: { driver: 'redis' },
      deadLetterQueue: { driver: 'memory' },
    },
    'full durability',
    { messageSource: 'memory', stateStore: 'redis', deadLetterQueue: 'memory' },
  ],
] as const)('%j is %s', async (given, mode, filled) => {
  const slots = bind(given);
  expect(slots).toMatchObject({ mode, filled });
  await slots.close();
});

it('a source that may lose messages is not durable, although all slots are filled', async () => {
  const slots = bind({
    messageSource: nats({ mode: 'core' }),
    stateStore: { driver: 'memory' },
    deadLetterQueue: { driver: 'memory' },
  });
  expect(slots.mode).toBe('at most once');
  await slots.close();
});

it('stores of the application fill slots as they are', () => {
  const state = standIn<StateStore>({ compareAndSet: async () => true });
  const queue = standIn<DeadLetterQueue>({ put: async () => '1' });
  const slots = bind({ messageSource: memory(), stateStore: state, deadLetterQueue: queue });
  expect(slots.state).toBe(state);
  expect(slots).toMatchObject({ ownState: false });
  expect(slots.otherQueue).toBe(queue);
  expect(slots.deadLetters).toBe(queue);
});

it('a slot that cannot be filled leaves no driver open', async () => {
  const { factory, calls } = counted();
  const make = () => bind({ messageSource: factory, stateStore: { driver: 'sqlite' } });
  expect(make).toThrow('sqlite');
  await Promise.resolve();
  expect(calls).toMatchObject({ opened: 1, closed: 1 });
  const lacking = counted({ deadLetters: undefined });
  expect(() => bind({ messageSource: factory, deadLetterQueue: lacking.factory })).toThrow();
  await Promise.resolve();
  expect([calls.closed, lacking.calls.closed]).toEqual([2, 1]);
});

it('an opened driver that several get is closed with the last of them', async () => {
  const { factory, calls } = counted();
  const driver = factory.open(context);
  const one = bind({ messageSource: driver, stateStore: driver });
  const other = bind({ messageSource: memory(), deadLetterQueue: driver });
  await one.close();
  await one.close();
  expect(calls.closed).toBe(0);
  await other.close();
  expect(calls.closed).toBe(1);
});

it('a name without options is a name with empty options', () => {
  const { factory, calls } = counted();
  const drivers = { file: () => factory };
  const slots = { messageSource: { driver: 'file' }, stateStore: { driver: 'file', config: {} } };
  expect(bind(slots, drivers)).toMatchObject({ ownState: true });
  expect(calls.opened).toBe(1);
});

it('events about connections name the slots, where different drivers fill them', () => {
  const events = new EventBus();
  const heard: unknown[] = [];
  events.on('connected', (event) => heard.push(event));
  const own: EventBus[] = [];
  const noting = (): DriverFactory =>
    driverWith(memory(), (_, { events: given }) => void own.push(given));
  const [one, other] = [noting(), noting()];
  const connected = { role: 'commands', connection: 1 };
  const only = new BoundSlots(
    { slots: { messageSource: one, stateStore: one } },
    { events, keyPrefix: '' },
  );
  own[0]!.emit('connected', connected);
  expect(heard).toEqual([connected]);
  const slots = { messageSource: one, stateStore: other, deadLetterQueue: other };
  const apart = new BoundSlots({ slots }, { events, keyPrefix: '' });
  for (const each of own.slice(1)) each.emit('connected', connected);
  expect(heard.slice(1)).toEqual([
    { ...connected, slots: ['messageSource'] },
    { ...connected, slots: ['stateStore', 'deadLetterQueue'] },
  ]);
  expect(own[1]!.listened.has('connected')).toBe(true);
  expect([only.mode, apart.mode]).toEqual(['stateful', 'full durability']);
});

it.each(['redis://:hush@host', 'hush-hush-Secret', 'hush0123456789abcdef', 'hush hush'])(
  'what is given for a name and does not look like one is not repeated: %s',
  (driver) => {
    const make = () => bind({ messageSource: { driver } });
    expect(make).toThrow(expect.objectContaining({ code: 'UNKNOWN_DRIVER', driver: undefined }));
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(inspect(error, { depth: Infinity })).not.toContain('hush');
  },
);

it('an opened driver fills a slot', () => {
  const driver = memory().open(context);
  const slots = bind({ messageSource: driver, stateStore: driver });
  expect(slots.driver).toBe(driver);
  expect(slots).toMatchObject({ technology: 'memory', ownState: true });
});

it('time is that of the message source', () => {
  const clock = new ManualClock();
  expect(bind({ messageSource: memory({ clock }) }).clock).toBe(clock);
});

it('without a queue of its own slot, the queue is that of the message source', () => {
  const slots = bind({ messageSource: memory() });
  expect(slots.deadLetters).toBe(slots.driver.deadLetters);
  expect(slots.otherQueue).toBeUndefined();
});

it.each([
  ['names what is near', 'memroy', 'Did you mean memory?'],
  // Other files may have registered further drivers, in any order.
  ['names all there are', 'sqlite', /There are (?=.*memory)(?=.*redis)/],
])('a driver that is not known: the error %s', (_, driver, hint) => {
  const make = () => bind({ messageSource: memory(), stateStore: { driver } });
  expect(make).toThrow(
    expect.objectContaining({ code: 'UNKNOWN_DRIVER', slot: 'stateStore', driver }),
  );
  expect(make).toThrow(hint);
});

it.each([
  ['stateStore', { state: undefined }, 'it has no state store'],
  [
    'stateStore',
    { state: standIn<StateStore>({ setIfAbsent: async () => true }) },
    'it has no state store with compareAndSet',
  ],
  ['deadLetterQueue', { deadLetters: undefined }, 'it has no dead letter queue'],
] as const)('a driver without the port of the slot %s is refused', (slot, lacking, sentence) => {
  const { factory } = counted(lacking);
  const make = () => bind({ messageSource: memory(), [slot]: factory });
  expect(make).toThrow(expect.objectContaining({ code: 'WRONG_DRIVER_FOR_SLOT', slot }));
  expect(make).toThrow(`The driver memory cannot fill the slot ${slot}: ${sentence}.`);
});

it('an empty slot of the message source is refused by name', () => {
  const code = expect.objectContaining({ code: 'MISSING_SLOT', slot: 'messageSource' }) as Error;
  expect(() => resolveOptions(wrongly({}))).toThrow(code);
  expect(() => resolveOptions(wrongly({ slots: {} }))).toThrow(code);
  const given = { messageSource: undefined, messagesource: memory() };
  const misspelt = () => resolveOptions(wrongly({ slots: given }));
  expect(misspelt).toThrow(code);
  expect(misspelt).toThrow(
    'is empty, and slots has "messagesource", which is no slot: write messageSource. Fill it',
  );
});

it.each([
  ['a slot that does not exist', { messageSorce: memory() }, 'did you mean messageSource?'],
  ['no driver', { stateStore: 7 }, 'slots.stateStore must be'],
  ['a name that is no text', { stateStore: { driver: 7 } }, 'slots.stateStore.driver must be'],
  [
    'a state store without compareAndSet',
    { stateStore: { get: () => undefined, setIfAbsent: () => true } },
    'slots.stateStore is a state store that lacks set, compareAndSet, delete, exists',
  ],
  ['a misspelt member', { stateStore: { driver: 'redis', cofnig: {} } }, 'did you mean config?'],
])('%s is refused', (_, wrong, sentence) => {
  const slots = wrongly<Slots>({ messageSource: memory(), ...wrong });
  expect(() => new StreamsRuntime({ slots })).toThrow(sentence);
});

it('what the driver refuses of its options is told as it says it', () => {
  expect(() => bind({ messageSource: { driver: 'redis', config: { prot: 1 } } })).toThrow(
    'did you mean port?',
  );
});

it('closing ends all drivers before it tells what failed, also where one throws at once', async () => {
  const { factory, calls } = counted();
  const broken = (close: () => Promise<void>): DriverFactory =>
    driverWith(memory(), ({ source }) => ({
      source: Object.assign(Object.create(source) as Driver['source'], { close }),
    }));
  const slots = bind({
    messageSource: broken(() => {
      throw new Error('no source');
    }),
    stateStore: broken(() => Promise.reject(new Error('no state'))),
    deadLetterQueue: factory,
  });
  await expect(slots.close()).rejects.toThrow('no source');
  expect(calls.closed).toBe(1);
});

it('options of a driver are not shown where the runtime is printed', async () => {
  const config = { port: 1, password: 'hush' };
  const slots = bind({ messageSource: { driver: 'redis', config } });
  expect(inspect(slots, { depth: Infinity })).not.toContain('hush');
  const path = ['opened', 'all', 'binding', 'config', 'password'];
  expect(JSON.stringify(slots, path)).not.toContain('hush');
  await slots.close();
});

it.each<[string, unknown]>([
  ['a URL in place of a driver', 'redis://:hush@host'],
  ['a URL in place of the options', { driver: 'redis', config: 'redis://:hush@host' }],
])('%s is refused, and not repeated', (_, messageSource) => {
  const make = () => new StreamsRuntime({ slots: wrongly({ messageSource }) });
  expect(make).toThrow(/slots\.messageSource(\.config)? must be [^"]*$/);
});

it('only drivers by their names are compared by what they hold', () => {
  const made = () => ({ ...memory(), driver: 'file', open: factory.open });
  const { factory, calls } = counted();
  bind({ messageSource: made(), stateStore: made() });
  expect(calls.opened).toBe(2);
});
