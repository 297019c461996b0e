import { SourceWorld } from '../world/source-world.js';
import { port } from '../running/skipped.js';
import { expect } from '../running/expect.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type { DeadLetter, DeadLetterFilter, DeadLetterQueue } from '../../ports/dead-letters.js';

/** What every dead letter queue promises. That redriven messages arrive is the source contract's. */
export function deadLettersContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `dead letters contract: ${name}`, (tests) => {
    const { describe, test, beforeEach, afterEach } = tests;
    let world: SourceWorld;
    let queue: DeadLetterQueue;
    let stream: string;

    beforeEach(async () => {
      world = new SourceWorld(await setup());
      queue = port(await world.driver(), 'deadLetters');
      stream = world.harness.unique('stream');
    });
    afterEach(() => world.close());

    const record = (id: string, more: Partial<DeadLetterRecord> = {}): DeadLetterRecord => ({
      stream,
      id,
      group: 'billing',
      consumer: 'worker-1',
      attempts: 5,
      reason: 'max-deliveries',
      publishedAt: '2025-01-01T00:00:00.000Z',
      deadLetteredAt: '2025-01-02T00:00:00.000Z',
      ...more,
    });

    /** Puts so many, for groups in turn. Answers their dead letter ids. */
    async function put(count: number, groups = ['billing']): Promise<string[]> {
      const ids: string[] = [];
      for (let index = 0; index < count; index++) {
        const group = groups[index % groups.length]!;
        ids.push(await queue.put(record(`${index}-0`, { group }), ['n', String(index)]));
      }
      return ids;
    }

    async function listAll(limit = 100): Promise<DeadLetter[]> {
      const items: DeadLetter[] = [];
      let after: string | undefined;
      do {
        const page = await queue.list(stream, limit, after);
        expect(page.items.length).toBeLessThanOrEqual(limit);
        items.push(...page.items);
        after = page.next;
      } while (after !== undefined);
      return items;
    }

    describe('put', () => {
      test('stores the record and the fields as they are', async () => {
        const odd = record('7-1', {
          group: 'a:b{c}',
          consumer: 'wörker',
          attempts: 0,
          reason: 'a reason of "one\'s own"',
          error: { name: 'TypeError', message: '😀\n', stack: 'TypeError: x\n    at y' },
        });
        const fields = ['', '', 'event_type', 'x', 'event_type', 'y', 'ü', '\u0000', 'reason', 'z'];
        const deadLetterId = await queue.put(odd, fields);
        const expected = { ...odd, deadLetterId, fields };
        expect(await queue.get(stream, deadLetterId)).toEqual(expected);
        expect(await listAll()).toEqual([expected]);
      });

      test('leaves out an error where there was none', async () => {
        const id = await queue.put(record('1-0'), ['a', 'b']);
        expect((await queue.get(stream, id))?.error?.name).toBeUndefined();
      });

      test('stores entries without fields, and large ones', async () => {
        const ids = [
          await queue.put(record('1-0'), []),
          await queue.put(record('2-0'), ['large', 'x'.repeat(100_000)]),
        ];
        expect((await queue.get(stream, ids[0]!))?.fields).toEqual([]);
        expect((await queue.get(stream, ids[1]!))?.fields[1]).toHaveLength(100_000);
      });

      test('gives each an id of its own, also for the same entry', async () => {
        const ids = [
          await queue.put(record('1-0'), ['a', '1']),
          await queue.put(record('1-0'), ['a', '1']),
          await queue.put(record('1-0', { group: 'other' }), ['a', '1']),
        ];
        expect(new Set(ids).size).toBe(3);
        expect((await listAll()).map(({ deadLetterId }) => deadLetterId)).toEqual(ids);
      });
    });

    describe('list', () => {
      test('is empty where there are none', async () => {
        expect((await queue.list(stream, 10)).items).toEqual([]);
        expect((await queue.list(stream, 10)).next).toBeUndefined();
      });

      test('answers oldest first', async () => {
        const ids = await put(5);
        expect((await listAll()).map(({ deadLetterId }) => deadLetterId)).toEqual(ids);
      });

      for (const limit of [1, 2, 3, 5, 100]) {
        test(`pages of ${limit} hold all, once each`, async () => {
          const ids = await put(5);
          expect((await listAll(limit)).map(({ deadLetterId }) => deadLetterId)).toEqual(ids);
        });
      }

      test('refuses to begin after what is no id', async () => {
        await put(1);
        await expect(queue.list(stream, 1, 'no id')).rejects.toThrow(InvalidOptionsError);
      });

      test('begins after any dead letter, also a deleted one', async () => {
        const ids = await put(4);
        await queue.purge(stream, { ids: [ids[1]!] });
        const { items } = await queue.list(stream, 10, ids[1]);
        expect(items.map(({ deadLetterId }) => deadLetterId)).toEqual(ids.slice(2));
      });

      test('keeps streams apart', async () => {
        await put(2);
        const { items } = await queue.list(world.harness.unique('other'), 10);
        expect(items).toEqual([]);
      });
    });

    describe('count, where the queue can count', () => {
      test('tells how many are stored, of each stream apart', async () => {
        if (!queue.count) return;
        expect(await queue.count(stream)).toBe(0);
        const ids = await put(3, ['billing', 'audit']);
        expect(await queue.count(stream)).toBe(3);
        await queue.purge(stream, { ids: [ids[0]!] });
        expect(await queue.count(stream)).toBe(2);
        expect(await queue.count(world.harness.unique('other'))).toBe(0);
      });
    });

    describe('get', () => {
      test('knows nothing of one that was deleted, or is of another stream', async () => {
        const ids = await put(2);
        await queue.purge(stream, { ids: [ids[0]!] });
        expect(await queue.get(stream, ids[0]!)).toBeUndefined();
        expect(await queue.get(world.harness.unique('other'), ids[1]!)).toBeUndefined();
      });
    });

    const operations = {
      purge: (filter: DeadLetterFilter) => queue.purge(stream, filter),
      redrive: (filter: DeadLetterFilter) => queue.redrive(stream, filter),
    };
    for (const operation of Object.keys(operations) as (keyof typeof operations)[]) {
      describe(operation, () => {
        const apply = (filter: DeadLetterFilter) => operations[operation](filter);
        const rest = async () => (await listAll()).map(({ fields }) => Number(fields[1]));

        test('of all takes all', async () => {
          await put(3);
          expect(await apply({ all: true })).toBe(3);
          expect(await rest()).toEqual([]);
          expect(await apply({ all: true })).toBe(0);
        });

        test('by ids takes those, in any order', async () => {
          const ids = await put(4);
          expect(await apply({ ids: [ids[2]!, ids[0]!] })).toBe(2);
          expect(await rest()).toEqual([1, 3]);
        });

        test('by no ids takes none', async () => {
          await put(2);
          expect(await apply({ ids: [] })).toBe(0);
          expect(await rest()).toEqual([0, 1]);
        });

        test('counts an id once, and only where it exists', async () => {
          const ids = await put(2);
          expect(await apply({ ids: [ids[0]!] })).toBe(1);
          expect(await apply({ ids: [ids[0]!, ids[1]!, ids[1]!] })).toBe(1);
          expect(await rest()).toEqual([]);
        });

        test('by what is no id takes none', async () => {
          const [id] = await put(2);
          const wrong = apply({ ids: [id!, 'no id', '-', '+'] });
          await expect(wrong).rejects.toThrow(InvalidOptionsError);
          await expect(wrong).rejects.toThrow('ids[1] must be the deadLetterId');
          expect(await rest()).toEqual([0, 1]);
        });

        test('by group takes those of the group', async () => {
          await put(4, ['billing', 'shipping']);
          expect(await apply({ group: 'shipping' })).toBe(2);
          expect(await rest()).toEqual([0, 2]);
        });

        test('by ids and group takes what is in both', async () => {
          const ids = await put(4, ['billing', 'shipping']);
          expect(await apply({ ids: ids.slice(0, 2), group: 'shipping' })).toBe(1);
          expect(await rest()).toEqual([0, 2, 3]);
        });

        test('of many takes each once', async () => {
          await put(250);
          const [first, second] = await Promise.all([apply({ all: true }), apply({ all: true })]);
          expect(first + second).toBe(250);
          expect(await rest()).toEqual([]);
        });

        test('of another stream takes nothing', async () => {
          const ids = await put(1);
          stream = world.harness.unique('other');
          expect(await apply({ all: true })).toBe(0);
          expect(await apply({ ids })).toBe(0);
        });
      });
    }
  });
}
