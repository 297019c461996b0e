import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const file = fileURLToPath(new URL('../contracts/node-test.js', import.meta.url));

test('contract suites of the built package run under node:test', { timeout: 60_000 }, async () => {
  // Set by vitest; with it node:test would print for another process.
  const { NODE_TEST_CONTEXT: _, NODE_OPTIONS: __, ...env } = process.env;
  const args = ['--test', '--test-reporter=tap', file];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  const count = (word: string) => Number(new RegExp(`^# ${word} (\\d+)`, 'm').exec(stdout)?.[1]);
  expect(count('fail')).toBe(0);
  expect(count('pass')).toBeGreaterThan(100);
  expect(count('skipped')).toBeGreaterThan(0);
  expect(stdout).toContain('# SKIP memory does not redeliver on its own');
});
