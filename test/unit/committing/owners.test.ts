import { afterEach, beforeEach, expect, it } from 'vitest';
import { RecordWriter } from '../../../lib/committing/record-writer.js';
import type { StateStore } from '../../../lib/ports/state-store.js';
import { committed } from '../../support/committed.js';
import { gate, World } from '../../support/engine.js';
import { ObservedStore } from '../../support/observed-store.js';

let world: World;
let shared: StateStore;
beforeEach(() => {
  world = new World();
  shared = world.storeElsewhere();
});
afterEach(() => world.close());

const numbers = {
  accepts: (id: string) => /^\d+$/.test(id),
  compare: (a: string, b: string) => Number(a) - Number(b),
  expected: 'a number',
};
const KEY = 'consumer:g:orders:default';
const at = (offset: string) => ({ offset, lastMessageId: offset, lastUpdated: 0, retryCount: 0 });
const writerOf = (store: StateStore) => new RecordWriter(store, numbers, KEY);
const offset = async () => (await committed(shared))?.offset;

it('an owner that was frozen in its write changes nothing once its successor has written', async () => {
  const frozen = new ObservedStore(shared);
  const before = writerOf(frozen);
  await before.write(async () => at('5'));
  const thaw = gate();
  frozen.held = thaw.promise;
  const late = before.write(async () => at('7'));
  await writerOf(shared).write(async () => at('12'));
  thaw.open();
  expect(await late).toBe(false);
  expect(await offset()).toBe('12');
});

it('an owner that was frozen before its write changes nothing either', async () => {
  const before = writerOf(shared);
  await before.write(async () => at('5'));
  await writerOf(shared).write(async () => at('12'));
  expect(await before.write(async () => at('7'))).toBe(false);
  expect(await offset()).toBe('12');
});

it('a frozen owner that has come further is not behind', async () => {
  const before = writerOf(shared);
  await writerOf(shared).write(async () => at('12'));
  expect(await before.write(async () => at('13'))).toBe(true);
  expect(await offset()).toBe('13');
});

it('numbers are compared as the source does, not as texts', async () => {
  const writer = writerOf(shared);
  await writer.write(async () => at('9'));
  await writer.write(async () => at('10'));
  expect(await shared.get(KEY)).toContain('"offset":10,');
  await writer.write(async () => at('9'));
  expect(await offset()).toBe('10');
});

it('a number that a program in JavaScript would not read without loss stays a text', async () => {
  await writerOf(shared).write(async () => at('9007199254740993'));
  expect(await shared.get(KEY)).toContain('"offset":"9007199254740993"');
});

it('a write whose answer was lost is found, and not taken for that of another owner', async () => {
  let lose = true;
  const losing: StateStore = {
    get: (key) => shared.get(key),
    set: (...args) => shared.set(...args),
    setIfAbsent: (...args) => shared.setIfAbsent(...args),
    delete: (key) => shared.delete(key),
    exists: (key) => shared.exists(key),
    compareAndSet: async (...args) => {
      const done = await shared.compareAndSet(...args);
      if (lose) throw new Error('connection lost');
      return done;
    },
  };
  const writer = writerOf(losing);
  await expect(writer.write(async () => at('5'))).rejects.toThrow('connection lost');
  lose = false;
  expect(await writer.write(async () => at('6'))).toBe(true);
  expect(await offset()).toBe('6');
});

it('a record that was deleted is written anew', async () => {
  const writer = writerOf(shared);
  await writer.write(async () => at('9'));
  await shared.delete(KEY);
  expect(await writer.write(async () => at('4'))).toBe(true);
  expect(await offset()).toBe('4');
});

it.each([
  'no record',
  '{"offset":"msg-abc","last_message_id":"a","last_updated":"2025-10-13T20:00:00Z"}',
])('what says nothing about this source is replaced: %s', async (text) => {
  await shared.set(KEY, text);
  expect(await writerOf(shared).write(async () => at('4'))).toBe(true);
  expect(await offset()).toBe('4');
});

it('consumers of one group that share a record agree on the offset of the group', async () => {
  const slow = gate();
  const stores = [new ObservedStore(shared), new ObservedStore(shared)];
  const runs: string[] = [];
  const apps = [];
  for (const [index, store] of stores.entries()) {
    const invoke = ({ id }: { readonly id: string }): unknown => {
      runs.push(id);
      return index === 0 && runs.length === 1 ? slow.promise : undefined;
    };
    apps.push(
      await world.start([{ events: ['orders'], invoke, options: { concurrency: 1 } }], {
        commits: {},
        consumer: `c${index}`,
        slots: { stateStore: store },
      }),
    );
  }
  const ids: string[] = [];
  for (let n = 0; n < 10; n++) ids.push(await apps[0]!.publish('orders'));
  await world.clock.advance(5000);
  const { compare } = apps[0]!.runtime.driver.ids;
  const early = await offset();
  if (early !== undefined) expect(compare(early, ids[0]!)).toBeLessThan(0);
  slow.open();
  await world.clock.advance(10_000);
  expect(await offset()).toBe(ids.at(-1));
});

it('an owner whose record other consumers change at every try is told of it', async () => {
  let changed = 0;
  const contended = new ObservedStore(shared);
  const write = contended.compareAndSet.bind(contended);
  contended.compareAndSet = async (key, expected, value) => {
    if (changed >= 10) return write(key, expected, value);
    changed++;
    await shared.set(key, JSON.stringify({ offset: changed }));
    return false;
  };
  await expect(writerOf(contended).write(async () => at('100'))).rejects.toMatchObject({
    code: 'STATE_CONTENDED',
  });
  expect(await writerOf(contended).write(async () => at('100'))).toBe(true);
  expect(await offset()).toBe('100');
});
