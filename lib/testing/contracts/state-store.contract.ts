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

    describe('compareAndSet', () => {
      test('replaces the expected value, and touches no other', async () => {
        await store.set(key, 'one');
        expect(await store.compareAndSet(key, 'two', 'three', 100)).toBe(false);
        await world.harness.elapse(300);
        expect(await store.get(key)).toBe('one');
        expect(await store.compareAndSet(key, 'one', 'two')).toBe(true);
        expect(await store.get(key)).toBe('two');
      });

      test('repeated finds the value that it wrote, and fails', async () => {
        await store.set(key, 'one');
        expect(await store.compareAndSet(key, 'one', 'two')).toBe(true);
        expect(await store.compareAndSet(key, 'one', 'two')).toBe(false);
        expect(await store.compareAndSet(key, 'two', 'two')).toBe(true);
        expect(await store.get(key)).toBe('two');
      });

      test('that expects no key writes where it is absent, and only there', async () => {
        expect(await store.compareAndSet(key, undefined, 'first')).toBe(true);
        expect(await store.compareAndSet(key, undefined, 'second')).toBe(false);
        expect(await store.get(key)).toBe('first');
        await store.delete(key);
        expect(await store.compareAndSet(key, undefined, 'third')).toBe(true);
      });

      test('that expects a value does not create a missing key', async () => {
        for (const expected of ['', 'one', 'undefined', 'null', 'false', '0']) {
          expect(await store.compareAndSet(key, expected, 'two')).toBe(false);
          expect(await store.exists(key)).toBe(false);
        }
      });

      test('tells an empty text from an absent key', async () => {
        await store.set(key, '');
        expect(await store.compareAndSet(key, undefined, 'one')).toBe(false);
        expect(await store.compareAndSet(key, '', 'one')).toBe(true);
        expect(await store.compareAndSet(key, 'one', '')).toBe(true);
        expect(await store.get(key)).toBe('');
        expect(await store.exists(key)).toBe(true);
      });

      test('compares exact texts', async () => {
        // The last two look the same: one letter, and a letter with a combining accent.
        const texts = ['1', '1.0', ' 1', 'a', 'A', 'a\u0000', 'ü😀\r\n', '\u00e9', 'e\u0301'];
        for (const text of texts) {
          await store.set(key, text);
          for (const other of texts.filter((one) => one !== text)) {
            expect(await store.compareAndSet(key, other, 'wrong')).toBe(false);
          }
          expect(await store.compareAndSet(key, text, `${text}!`)).toBe(true);
          expect(await store.get(key)).toBe(`${text}!`);
        }
      });

      test('takes a large value, expected and written', async () => {
        const large = 'ü'.repeat(100_000);
        await store.set(key, large);
        expect(await store.compareAndSet(key, `${large}x`, 'one')).toBe(false);
        expect(await store.compareAndSet(key, large, `${large}y`)).toBe(true);
        expect(await store.get(key)).toBe(`${large}y`);
      });

      test('with a ttl is gone after it and not before', async () => {
        await store.set(key, 'one');
        expect(await store.compareAndSet(key, 'one', 'short', 400)).toBe(true);
        await world.harness.elapse(100);
        expect(await store.get(key)).toBe('short');
        await expectExpiry();
        expect(await store.compareAndSet(key, undefined, 'short', 100)).toBe(true);
        await expectExpiry();
      });

      test('without a ttl stays, also where the value before had one', async () => {
        await store.set(key, 'short', 400);
        expect(await store.compareAndSet(key, 'short', 'long')).toBe(true);
        await world.harness.elapse(600);
        expect(await store.get(key)).toBe('long');
      });

      test('takes an expired key for an absent one', async () => {
        await store.set(key, 'gone', 100);
        await expectExpiry();
        expect(await store.compareAndSet(key, 'gone', 'one')).toBe(false);
        expect(await store.compareAndSet(key, undefined, 'one')).toBe(true);
      });

      test('of many at a time lets one win, whether the key was there or not', async () => {
        const values = Array.from({ length: 20 }, (_, index) => `v${index}`);
        const winner = async (expected: string | undefined): Promise<string> => {
          const trials = values.map((value) => store.compareAndSet(key, expected, value, 60_000));
          const won = await Promise.all(trials);
          expect(won.filter(Boolean)).toHaveLength(1);
          return values[won.indexOf(true)]!;
        };
        const first = await winner(undefined);
        expect(await store.get(key)).toBe(first);
        await store.set(key, 'start');
        expect(await winner('start')).toBe(await store.get(key));
      });

      test('loses no change of callers that read, change and try again', async () => {
        const add = async (): Promise<void> => {
          for (;;) {
            const found = await store.get(key);
            const next = `${Number(found ?? 0) + 1}`;
            if (await store.compareAndSet(key, found, next)) return;
          }
        };
        await Promise.all(Array.from({ length: 8 }, add));
        expect(await store.get(key)).toBe('8');
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
