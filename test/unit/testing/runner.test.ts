import { describe, expect, test, vi } from 'vitest';
import { declareSuite, type TestRunner } from '../../../lib/testing/running/runner.js';
import { skip } from '../../../lib/testing/running/skipped.js';

/** Runs what a suite declares: outcomes by name. */
class RecordingRunner implements TestRunner {
  readonly outcomes: Record<string, string> = {};
  private readonly path: string[] = [];
  private readonly declared: { name: string; run: (...args: unknown[]) => Promise<void> }[] = [];
  private readonly waiting: (() => void)[] = [];

  /**
   * @param late `describe` is called after all of the outer one was declared, as vitest does
   * @param skips tests are passed a context that can skip, as vitest and node:test do
   */
  constructor(
    private readonly late: boolean,
    private readonly skips: boolean,
  ) {}

  readonly describe = (name: string, declare: () => void): void => {
    const path = [...this.path, name];
    const enter = () => {
      const outer = this.path.splice(0, this.path.length, ...path);
      declare();
      this.path.splice(0, this.path.length, ...outer);
    };
    if (this.late) this.waiting.push(enter);
    else enter();
  };

  readonly it = (name: string, run: (...args: unknown[]) => Promise<void>): void => {
    // jest waits for a callback where a test names a parameter.
    expect(run).toHaveLength(0);
    this.declared.push({ name: [...this.path, name].join(' > '), run });
  };

  async run(): Promise<Record<string, string>> {
    for (let enter = this.waiting.shift(); enter; enter = this.waiting.shift()) enter();
    for (const { name, run } of this.declared) {
      this.outcomes[name] = 'passed';
      const skip = (reason: string) => (this.outcomes[name] = `skipped: ${reason}`);
      await run(...(this.skips ? [{ skip }] : [])).catch((error: Error) => {
        this.outcomes[name] = `failed: ${error.message}`;
      });
    }
    return this.outcomes;
  }
}

describe.each([
  { late: false, skips: true },
  { late: true, skips: true },
  { late: false, skips: false },
])('a suite under a runner of the kind $late, $skips', ({ late, skips }) => {
  test('runs hooks around each test, from the outside in and back', async () => {
    const log: string[] = [];
    const runner = new RecordingRunner(late, skips);
    declareSuite(runner, 'outer', ({ describe, test, beforeEach, afterEach, onTestFinished }) => {
      beforeEach(() => log.push('before 1'));
      afterEach(() => log.push('after 1'));
      describe('inner', () => {
        beforeEach(async () => log.push('before 2'));
        afterEach(() => log.push('after 2'));
        test('two', () => {
          onTestFinished(() => log.push('finished'));
          log.push('two');
        });
      });
      test('one', () => log.push('one'));
      beforeEach(() => log.push('before 1b'));
    });
    const outcomes = await runner.run();
    expect(outcomes).toEqual({ 'outer > inner > two': 'passed', 'outer > one': 'passed' });
    const one = ['before 1', 'before 1b', 'one', 'after 1'];
    const two = [
      ...['before 1', 'before 1b', 'before 2', 'two'],
      ...['finished', 'after 2', 'after 1'],
    ];
    expect(log).toEqual(late ? [...one, ...two] : [...two, ...one]);
  });

  test('fails with the first error, and cleans up all the same', async () => {
    const log: string[] = [];
    const runner = new RecordingRunner(late, skips);
    declareSuite(runner, 'suite', ({ test, beforeEach, afterEach }) => {
      let fails = true;
      beforeEach(() => {
        if (fails) throw new Error('no server');
      });
      afterEach(() => {
        log.push('cleaned up');
        throw new Error('nothing to close');
      });
      test('first', () => log.push('never'));
      test('second', () => {
        throw new Error('wrong');
      });
      beforeEach(() => (fails = false));
    });
    expect(await runner.run()).toEqual({
      'suite > first': 'failed: no server',
      'suite > second': 'failed: no server',
    });
    expect(log).toEqual(['cleaned up', 'cleaned up']);
  });

  test('skips by name and with the reason, also from a hook', async () => {
    const print = vi.spyOn(console, 'log').mockReturnValue();
    const runner = new RecordingRunner(late, skips);
    declareSuite(runner, 'suite', ({ describe, test, beforeEach }) => {
      test('in a test', () => skip('it cannot'));
      describe('all', () => {
        beforeEach(() => skip('it has no port'));
        test('by a hook', () => {
          throw new TypeError('undefined is not a function');
        });
      });
    });
    const outcomes = await runner.run();
    const printed = print.mock.calls.map(([line]) => line as string);
    print.mockRestore();
    const reasons = {
      'suite > in a test': 'it cannot',
      'suite > all > by a hook': 'it has no port',
    };
    if (skips) {
      expect(outcomes).toEqual(
        Object.fromEntries(Object.entries(reasons).map(([name, why]) => [name, `skipped: ${why}`])),
      );
    } else {
      expect(Object.values(outcomes)).toEqual(['passed', 'passed']);
      expect(printed).toEqual(
        Object.entries(reasons).map(([name, reason]) => `skipped: ${name}: ${reason}`),
      );
    }
  });
});
