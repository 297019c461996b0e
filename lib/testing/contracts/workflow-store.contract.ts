import { SourceWorld } from '../world/source-world.js';
import { port } from '../running/skipped.js';
import { expect } from '../running/expect.js';
import { declareSuite, type TestRunner } from '../running/runner.js';
import type { DriverSetup } from '../world/driver-harness.js';
import type { Arrival, WorkflowStore, FinishedStep } from '../../ports/workflow-store.js';

const TTL = 60_000;

/** What every store of workflows promises. */
export function workflowStoreContract(runner: TestRunner, name: string, setup: DriverSetup): void {
  declareSuite(runner, `workflow store contract: ${name}`, (tests) => {
    const { describe, test, beforeEach, afterEach } = tests;
    let world: SourceWorld;
    let store: WorkflowStore;
    let workflow: string;

    beforeEach(async () => {
      world = new SourceWorld(await setup());
      store = port(await world.driver(), 'workflows');
      workflow = world.harness.unique('orders/1-0/shop');
    });
    afterEach(() => world.close());

    const step = (place: string, more: Partial<FinishedStep> = {}): FinishedStep => ({
      workflow,
      step: place,
      run: 1,
      failed: false,
      record: `{"of":"${place}"}`,
      ...more,
    });
    const record = async (...steps: FinishedStep[]): Promise<void> => {
      expect(await store.record(steps, TTL)).toEqual(steps.map(() => undefined));
    };
    const arrive = (index: number, more: Partial<Arrival> = {}) =>
      store.arrive(
        { workflow, at: '0', index, of: 3, token: `t${index}`, result: `r${index}`, ...more },
        TTL,
      );

    test('nothing is known of a workflow without records', async () => {
      expect(await store.read(workflow)).toBeUndefined();
      expect(await store.areCancelled([workflow])).toEqual([false]);
    });

    test('begun, it is known, and nothing of it has ended', async () => {
      await store.begin(workflow, 1234, TTL);
      await store.begin(workflow, 5678, TTL);
      expect(await store.read(workflow)).toEqual({
        begunAt: 1234,
        cancelled: false,
        failed: 0,
        steps: new Map(),
      });
    });

    test('what was recorded in any order is read', async () => {
      await record(step('1.1.2'));
      await record(step('0'), step('1', { failed: true }));
      await record(step('1.0.2'));
      const { steps, failed, begunAt } = (await store.read(workflow))!;
      expect([failed, begunAt]).toEqual([1, undefined]);
      const places = ['0', '1', '1.0.2', '1.1.2'];
      expect(steps).toEqual(new Map(places.map((place) => [place, `{"of":"${place}"}`])));
    });

    test('of a step that is recorded twice the later run stays', async () => {
      const recorded = async () => (await store.read(workflow))!.steps.get('0');
      await record(step('0', { run: 2, record: 'second' }));
      await record(step('0', { run: 1, record: 'first' }));
      expect(await recorded()).toBe('second');
      await record(step('0', { run: 2, record: 'second again' }));
      expect(await recorded()).toBe('second again');
      await record(step('0', { run: 1_700_000_000_000_001, record: 'third' }));
      expect(await recorded()).toBe('third');
    });

    test('the same record again changes nothing', async () => {
      const one = step('0', { failed: true });
      await record(one, one);
      await record(one);
      const { failed, steps } = (await store.read(workflow))!;
      expect([failed, steps.size]).toEqual([1, 1]);
    });

    test('a step that failed and completes later has not failed', async () => {
      await record(step('0', { failed: true }));
      expect(await store.read(workflow)).toMatchObject({ failed: 1 });
      await record(step('0', { run: 1_000_001 }));
      expect(await store.read(workflow)).toMatchObject({ failed: 0 });
    });

    test('many steps of many workflows are recorded at once', async () => {
      const names = Array.from({ length: 300 }, (_, index) => `${workflow}-${index}`);
      await record(...names.map((one) => step('0', { workflow: one, record: one })));
      for (const one of [names[0]!, names[150]!, names[299]!]) {
        const { steps } = (await store.read(one))!;
        expect(steps.get('0')).toBe(one);
      }
    });

    describe('arrive', () => {
      test('answers the results to the last one, in the order of the branches', async () => {
        expect(await arrive(2)).toBeUndefined();
        expect(await arrive(0)).toBeUndefined();
        expect(await arrive(1)).toEqual(['r0', 'r1', 'r2']);
      });

      test('counts no branch twice', async () => {
        for (let turn = 0; turn < 5; turn++) expect(await arrive(1)).toBeUndefined();
        expect(await arrive(2)).toBeUndefined();
        expect(await arrive(0)).toEqual(['r0', 'r1', 'r2']);
      });

      test('once all are there, a repetition answers the last one alone, what was joined', async () => {
        await arrive(0);
        await arrive(1);
        await arrive(2);
        expect(await arrive(0)).toBeUndefined();
        expect(await arrive(2)).toEqual(['r0', 'r1', 'r2']);
        expect(await arrive(2, { token: 'of another message' })).toBeUndefined();
      });

      test('what the last one brings in a later run replaces what it brought', async () => {
        await arrive(0);
        await arrive(1);
        await arrive(2);
        expect(await arrive(2, { result: 'failed' })).toEqual(['r0', 'r1', 'failed']);
        expect(await arrive(1, { result: 'too late' })).toBeUndefined();
        expect(await arrive(2)).toEqual(['r0', 'r1', 'r2']);
      });

      test('a duplicate arrives where its branch has not, and changes nothing where it has', async () => {
        await arrive(0);
        const duplicate = { duplicate: true, result: 'none', token: 'its own' };
        expect(await arrive(0, duplicate)).toBeUndefined();
        expect(await arrive(1, duplicate)).toBeUndefined();
        expect(await arrive(2)).toEqual(['r0', 'none', 'r2']);
        expect(await arrive(2, { ...duplicate, token: 't2' })).toEqual(['r0', 'none', 'r2']);
      });

      test('before that, a later result of a branch replaces the one before', async () => {
        await arrive(0, { result: 'failed' });
        await arrive(0, { result: 'redriven', token: 'another' });
        await arrive(1);
        expect(await arrive(2)).toEqual(['redriven', 'r1', 'r2']);
      });

      test('of all at once one is the last', async () => {
        const answers = await Promise.all([0, 1, 2].map((index) => arrive(index)));
        expect(answers.filter((answer) => answer !== undefined)).toHaveLength(1);
      });

      test('keeps fan-outs and workflows apart, and takes any text', async () => {
        const odd = 'ü😀\u0000 {"a":1}\r\n';
        expect(await arrive(0, { of: 2, at: '1', result: odd })).toBeUndefined();
        expect(await arrive(1, { of: 2, at: '1.0.2' })).toBeUndefined();
        expect(await arrive(1, { of: 2, workflow: `${workflow}-other` })).toBeUndefined();
        expect(await arrive(1, { of: 2, at: '1', result: '' })).toEqual([odd, '']);
      });
    });

    describe('cancel', () => {
      test('is known at once, of that workflow alone', async () => {
        await store.begin(workflow, 1, TTL);
        await store.cancel(workflow, TTL);
        await store.cancel(workflow, TTL);
        const others = [`${workflow}-a`, workflow, `${workflow}-b`];
        expect(await store.areCancelled(others)).toEqual([false, true, false]);
        expect(await store.read(workflow)).toMatchObject({ cancelled: true });
      });

      test('of one that is not known yet holds', async () => {
        await store.cancel(workflow, TTL);
        expect(await store.areCancelled([workflow])).toEqual([true]);
      });
    });

    test('what has to wait is kept for longer, also after later writes', async () => {
      await store.begin(workflow, 1, 100);
      await store.keep(workflow, 60_000);
      await store.record([step('0')], 100);
      await store.begin(workflow, 1, 100);
      await store.arrive({ workflow, at: '0', index: 0, of: 2, token: 'a', result: 'a' }, 100);
      await store.cancel(workflow, 100);
      await world.harness.elapse(300);
      expect(await store.read(workflow)).toMatchObject({ begunAt: 1, cancelled: true });
      expect((await store.read(workflow))!.steps.size).toBe(1);
      const last = { workflow, at: '0', index: 1, of: 2, token: 'b', result: 'b' };
      expect(await store.arrive(last, 100)).toEqual(['a', 'b']);
    });

    test('a workflow of which nothing is known is kept, too', async () => {
      await store.keep(workflow, 60_000);
      await store.arrive({ workflow, at: '0', index: 0, of: 2, token: 'a', result: 'a' }, 100);
      await store.cancel(workflow, 100);
      await store.record([step('0')], 100);
      await world.harness.elapse(300);
      expect(await store.areCancelled([workflow])).toEqual([true]);
      expect((await store.read(workflow))!.steps.size).toBe(1);
      const last = { workflow, at: '0', index: 1, of: 2, token: 'b', result: 'b' };
      expect(await store.arrive(last, 100)).toEqual(['a', 'b']);
    });

    test('what is not written to is forgotten', async () => {
      await store.begin(workflow, 1, 150);
      await store.cancel(workflow, 150);
      await store.record([step('0')], 150);
      await store.arrive({ workflow, at: '0', index: 0, of: 2, token: 't', result: 'r' }, 150);
      for (let turn = 0; turn < 100 && (await store.read(workflow)); turn++) {
        await world.harness.elapse(20);
      }
      expect(await store.read(workflow)).toBeUndefined();
      expect(await store.areCancelled([workflow])).toEqual([false]);
    });
  });
}
