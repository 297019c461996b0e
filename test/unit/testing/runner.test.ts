import { describe, expect, test, vi } from 'vitest';
import { declareSuite } from '../../../lib/testing/running/runner.js';
import { skip } from '../../../lib/testing/running/skipped.js';
import { RecordingRunner } from '../../support/recording-runner.js';

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
