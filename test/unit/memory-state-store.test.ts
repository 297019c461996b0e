import { expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import { InvalidOptionsError } from '../../lib/core/errors/start-up.errors.js';
import { StateStoreFullError } from '../../lib/core/errors/state-store.errors.js';
import { ManualClock, memory } from '../../lib/drivers/memory/index.js';

/** A store with room for two keys, both taken: one stays, one expires after 1,000 ms. */
async function full() {
  const clock = new ManualClock();
  const events = new EventBus();
  const warnings: string[] = [];
  events.on('warning', ({ code }) => void warnings.push(code));
  const factory = memory({ clock, maxKeys: 2 });
  const store = factory.open({ events, keyPrefix: '' }).state!;
  await store.set('stays', '1');
  await store.set('expires', '1', 1000);
  return { clock, warnings, factory, store };
}

it('a new key above maxKeys is refused, by every way to write one, with one warning', async () => {
  const { store, warnings } = await full();
  expect(warnings).toEqual([]);
  for (const write of [
    () => store.set('new', '1'),
    () => store.setIfAbsent('new', '1'),
    () => store.compareAndSet('new', undefined, '1'),
  ]) {
    await expect(write()).rejects.toBeInstanceOf(StateStoreFullError);
    await expect(write()).rejects.toThrow('it has 2 keys, and refused a new one. Raise maxKeys');
    expect(await store.exists('new')).toBe(false);
  }
  expect(warnings).toEqual(['STATE_STORE_FULL']);
  expect([await store.get('stays'), await store.get('expires')]).toEqual(['1', '1']);
});

it('a full store changes keys that it has, and answers what it can without a new one', async () => {
  const { store, warnings } = await full();
  await store.set('stays', '2');
  expect(await store.compareAndSet('stays', '2', '3')).toBe(true);
  expect(await store.setIfAbsent('stays', '4')).toBe(false);
  expect(await store.compareAndSet('new', '1', '2')).toBe(false);
  expect(await store.get('stays')).toBe('3');
  expect(warnings).toEqual([]);
});

it('a key that has expired or was deleted makes room', async () => {
  const { store, clock, warnings } = await full();
  await clock.advance(1000);
  await store.set('new', '1');
  await expect(store.set('expires', '1')).rejects.toBeInstanceOf(StateStoreFullError);
  await store.delete('stays');
  expect(await store.setIfAbsent('expires', '1')).toBe(true);
  expect(warnings).toEqual(['STATE_STORE_FULL']);
});

it('a key that has expired is as new as one that was never there', async () => {
  const { store, clock } = await full();
  await clock.advance(1000);
  expect(await store.setIfAbsent('expires', '2')).toBe(true);
  expect(await store.get('expires')).toBe('2');
});

it('maxKeys counts the keys of all that share the data', async () => {
  const { factory } = await full();
  const other = factory.open({ events: new EventBus(), keyPrefix: 'other:' }).state!;
  await expect(other.set('new', '1')).rejects.toBeInstanceOf(StateStoreFullError);
});

it('maxKeys is 10,000 where it is not set, and a whole number of at least 1', async () => {
  const store = memory().open({ events: new EventBus(), keyPrefix: '' }).state!;
  for (let key = 0; key < 10_000; key++) await store.set(`${key}`, '');
  await expect(store.set('one more', '')).rejects.toMatchObject({ maxKeys: 10_000 });
  for (const maxKeys of [0, 1.5, -1]) {
    expect(() => memory({ maxKeys })).toThrow(InvalidOptionsError);
  }
});
