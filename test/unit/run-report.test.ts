import { expect, it } from 'vitest';
import { failureLines, notRunLines } from '../support/run-report.js';

const test = (suite: string, name: string, reason?: string) => ({
  suite,
  name: `${suite} ${name}`,
  ...(reason !== undefined && { reason }),
});

const TESTS = [
  test('delays', 'one', 'no port `delays`'),
  test('real', 'on Valkey', 'VALKEY is not set'),
  test('delays', 'two', 'no port `delays`'),
  test('replies', 'one', 'no port `replies`'),
  test('replies', 'two', 'no port `replies`'),
  test('unreasoned', 'where a cluster is there'),
];

it('tests that were not run are one line for each suite and reason, single ones by name', () => {
  expect(notRunLines(TESTS)).toEqual([
    'Not run: 2 tests of delays: no port `delays`',
    'Not run: real on Valkey (VALKEY is not set)',
    'Not run: 2 tests of replies: no port `replies`',
    'Not run: unreasoned where a cluster is there',
  ]);
});

it('each is named where that is asked for', () => {
  const lines = notRunLines(TESTS, true);
  expect(lines).toHaveLength(TESTS.length);
  expect(lines[0]).toBe('Not run: delays one (no port `delays`)');
});

it('each failure is told with its file, its name, and what was thrown', () => {
  const file = 'test/unit/a.test.ts';
  expect(
    failureLines([
      { file, name: 'delays > one', reason: 'expected 1 to be 2\nlate (a.test.ts:7)' },
      { file, name: '', reason: 'no such module' },
    ]),
  ).toEqual([
    `Failed: ${file} > delays > one\n    expected 1 to be 2\n    late (a.test.ts:7)`,
    `Failed: ${file}\n    no such module`,
  ]);
});
