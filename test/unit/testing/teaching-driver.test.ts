import { readFileSync } from 'node:fs';
import * as suites from 'nestjs-redis-streams/testing';
import { expect, test } from 'vitest';
import { teachingHarness } from '../../contracts/teaching.harness.js';
import { RecordingRunner } from '../../support/recording-runner.js';

/** Suites that have nothing to test without this port. */
const SUITES = [
  [suites.deadLettersContract, 'deadLetters'],
  [suites.delaysContract, 'delays'],
  [suites.groupAdminContract, 'groups'],
  [suites.leaseStoreContract, 'leases'],
  [suites.liveConsumersContract, 'live'],
  [suites.repliesContract, 'replies'],
  [suites.retentionContract, 'retention'],
  [suites.stateStoreContract, 'state'],
  [suites.streamOwnershipContract, 'ownership'],
  [suites.workflowStoreContract, 'workflows'],
] as const;

test.each(SUITES)('%o names the absent port %s', async (suite, port) => {
  const runner = new RecordingRunner(false, true);
  suite(runner, 'teaching', teachingHarness);
  const outcomes = Object.values(await runner.run());
  expect(outcomes.length).toBeGreaterThan(5);
  expect(new Set(outcomes)).toEqual(new Set([`skipped: teaching has no port \`${port}\``]));
});

test('the suite of the source runs, and skips only what the driver lacks', async () => {
  const runner = new RecordingRunner(false, true);
  suites.sourceContract(runner, 'teaching', teachingHarness);
  const outcomes = Object.values(await runner.run());
  expect(outcomes.filter((outcome) => outcome === 'passed').length).toBeGreaterThan(90);
  const reasons = new Set(outcomes.filter((outcome) => outcome !== 'passed'));
  expect([...reasons].sort()).toEqual([
    'skipped: teaching does not deduplicate publishing',
    'skipped: teaching does not lose data of pending entries',
    'skipped: teaching does not redeliver on its own',
    'skipped: teaching does not tell what is settled',
    'skipped: teaching has no port `completions`',
    'skipped: teaching has no port `deadLetters`',
    'skipped: teaching has no port `inbox`',
    'skipped: teaching has no port `leases`',
    'skipped: teaching has no port `pending`',
  ]);
});

test('the teaching driver has at most 310 lines, and needs only the door for drivers', () => {
  const file = new URL('../../contracts/teaching.driver.ts', import.meta.url);
  const text = readFileSync(file, 'utf8');
  expect(text.trimEnd().split('\n').length).toBeLessThanOrEqual(310);
  const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, name]) => name);
  expect(imported).toEqual(['nestjs-redis-streams/driver']);
});
