import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** What only tests in test/faults may use, because it takes long or many processes. */
const SLOW = /from '[./a-z-]*\/((redis|nats)-cluster|sentinels|faults\/support\/[a-z-]+)\.js'/;

it('tests of clusters, of sentinels and of killed workers stand in test/faults', () => {
  const files = readdirSync('test', { recursive: true, encoding: 'utf8' });
  const tests = files.filter((file) => file.endsWith('.test.ts') && !file.startsWith('faults'));
  const slow = tests.filter((file) => SLOW.test(readFileSync(`test/${file}`, 'utf8')));
  expect(tests.length).toBeGreaterThan(100);
  expect(slow).toEqual([]);
});
