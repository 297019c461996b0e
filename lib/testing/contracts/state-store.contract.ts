import { SourceWorld } from '../world/source-world.js';
import { port } from '../running/skipped.js';
import { expect } from '../running/expect.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import type { StateStore } from '../../ports/state-store.js';

/** What every state store promises. */
export function stateStoreContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `state store contract: ${name}`, (tests) => {
    const { describe, test, beforeEach, afterEach } = tests;
    let world: SourceWorld;
    let store: StateStore;
    let key: string;

    beforeEach(async () => {
      world = new SourceWorld(await setup());
      store = port(await world.driver(), 'state');
      key = world.harness.unique('key');
    });
    afterEach(() => world.close());

    /** Lets time pass until the key is gone. */
    async function expectExpiry(): Promise<void> {
      for (let step = 0; step < 200 && (await store.exists(key)); step++)
        await world.harness.elapse(50);
      expect(await store.get(key)).toBeUndefined();
    }

    describe('a missing key', () => {
      test('is undefined, does not exist, and cannot be deleted', async () => {
        expect(await store.get(key)).toBeUndefined();
        expect(await store.exists(key)).toBe(false);
        expect(await store.delete(key)).toBe(false);
      });
    });

    describe('set', () => {
      test('stores and overwrites', async () => {
        await store.set(key, 'one');
        expect(await store.get(key)).toBe('one');
        await store.set(key, 'two');
        expect(await store.get(key)).toBe('two');
        expect(await store.exists(key)).toBe(true);
      });

      test('stores any text', async () => {
        for (const value of ['', ' ', '{"a":1}', 'ü😀\u0000\r\n', 'x'.repeat(100_000)]) {
          await store.set(key, value);
          expect(await store.get(key)).toBe(value);
          expect(await store.exists(key)).toBe(true);
        }
      });

      test('takes any text as a key', async () => {
        for (const odd of ['a b', 'ü😀', 'a:b{c}*', '__proto__', 'line\nend']) {
          const name = world.harness.unique(odd);
          await store.set(name, odd);
          expect(await store.get(name)).toBe(odd);
        }
      });

      test('with a ttl is gone after it and not before', async () => {
        await store.set(key, 'short', 400);
        await world.harness.elapse(100);
        expect(await store.get(key)).toBe('short');
        await expectExpiry();
        expect(await store.exists(key)).toBe(false);
        expect(await store.delete(key)).toBe(false);
      });

      test('without a ttl stays, also where the value before had one', async () => {
        await store.set(key, 'short', 100);
        await store.set(key, 'long');
        await world.harness.elapse(300);
        expect(await store.get(key)).toBe('long');
      });

      test('with a ttl counts from the last set', async () => {
        await store.set(key, 'long', 3_600_000);
        await store.set(key, 'short', 100);
        await expectExpiry();
      });
    });

    describe('setIfAbsent', () => {
      test('sets what is absent, and touches nothing that is there', async () => {
        expect(await store.setIfAbsent(key, 'first')).toBe(true);
        expect(await store.setIfAbsent(key, 'second', 100)).toBe(false);
        await world.harness.elapse(300);
        expect(await store.get(key)).toBe('first');
      });

      test('takes an empty text for a value', async () => {
        await store.set(key, '');
        expect(await store.setIfAbsent(key, 'second')).toBe(false);
      });

      test('succeeds again after expiry', async () => {
        expect(await store.setIfAbsent(key, 'first', 100)).toBe(true);
        await expectExpiry();
        expect(await store.setIfAbsent(key, 'second')).toBe(true);
        expect(await store.get(key)).toBe('second');
      });

      test('of many at a time lets one win', async () => {
        const values = Array.from({ length: 20 }, (_, index) => `v${index}`);
        const won = await Promise.all(values.map((value) => store.setIfAbsent(key, value, 60_000)));
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await store.get(key)).toBe(values[won.indexOf(true)]);
      });
    });

    describe('delete', () => {
      test('removes, once', async () => {
        await store.set(key, 'value');
        expect(await store.delete(key)).toBe(true);
        expect(await store.delete(key)).toBe(false);
        expect(await store.get(key)).toBeUndefined();
        expect(await store.setIfAbsent(key, 'again')).toBe(true);
      });

      test('leaves other keys alone', async () => {
        const other = world.harness.unique('other');
        await store.set(key, 'a');
        await store.set(other, 'b');
        await store.delete(key);
        expect(await store.get(other)).toBe('b');
      });
    });
  });
}
