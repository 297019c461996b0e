import { readdirSync, readFileSync } from 'node:fs';
import * as suites from 'nestjs-redis-streams/testing';
import { expect, test } from 'vitest';
import { fileHarness } from '../../../sample/file-driver/test/file.harness.js';
import { RecordingRunner } from '../../support/recording-runner.js';

/** Suites that have nothing to test without this port. */
const SUITES = [
  [suites.delaysContract, 'delays'],
  [suites.groupAdminContract, 'groups'],
  [suites.leaseStoreContract, 'leases'],
  [suites.liveConsumersContract, 'live'],
  [suites.repliesContract, 'replies'],
  [suites.retentionContract, 'retention'],
  [suites.streamOwnershipContract, 'ownership'],
  [suites.workflowStoreContract, 'workflows'],
] as const;

test.each(SUITES)('%o names the absent port %s', async (suite, port) => {
  const runner = new RecordingRunner(false, true);
  suite(runner, 'file', fileHarness);
  const outcomes = Object.values(await runner.run());
  expect(outcomes.length).toBeGreaterThan(5);
  expect(new Set(outcomes)).toEqual(new Set([`skipped: file has no port \`${port}\``]));
});

test('the suites of the three slots run, and skip only what the driver lacks', async () => {
  const runner = new RecordingRunner(false, true);
  suites.sourceContract(runner, 'file', fileHarness);
  suites.stateStoreContract(runner, 'file', fileHarness);
  suites.deadLettersContract(runner, 'file', fileHarness);
  const outcomes = Object.values(await runner.run());
  expect(outcomes.filter((outcome) => outcome === 'passed').length).toBeGreaterThan(160);
  const reasons = new Set(outcomes.filter((outcome) => outcome !== 'passed'));
  expect([...reasons].sort()).toEqual([
    'skipped: file does not bound messages to 4194304 bytes or less',
    'skipped: file does not deduplicate publishing',
    'skipped: file does not hold partitions',
    'skipped: file does not lose data of pending entries',
    'skipped: file does not publish to partitions',
    'skipped: file does not redeliver on its own',
    'skipped: file has no port `completions`',
    'skipped: file has no port `held`',
    'skipped: file has no port `inbox`',
    'skipped: file has no port `leases`',
    'skipped: file has no port `pending`',
  ]);
});

test('the files of the driver are short, and import the door for drivers alone', () => {
  const folder = new URL('../../../sample/file-driver/src/', import.meta.url);
  for (const name of readdirSync(folder)) {
    const text = readFileSync(new URL(name, folder), 'utf8');
    expect(text.trimEnd().split('\n').length, name).toBeLessThanOrEqual(150);
    const imported = [...text.matchAll(/from '([^']+)'/g)].map(([, from]) => from!);
    const packages = imported.filter((from) => !/^(\.\/|node:)/.test(from));
    expect(new Set([...packages, 'nestjs-redis-streams/driver'])).toEqual(
      new Set(['nestjs-redis-streams/driver']),
    );
  }
});
