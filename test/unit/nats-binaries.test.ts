import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { missingNats, natsBinary } from '../support/nats-binaries.js';
import { needsNats } from '../support/nats.js';

const dir = mkdtempSync(join(tmpdir(), 'streams-nats-binaries-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A program that says of itself what a server of this version says. */
function program(version: string): string {
  const path = join(dir, `nats-server-${version}`);
  writeFileSync(path, `#!/bin/sh\necho 'nats-server: v${version}'\n`);
  chmodSync(path, 0o755);
  return path;
}

beforeEach(() => {
  vi.stubEnv('XDG_CACHE_HOME', dir);
  vi.stubEnv('PATH', '/bin');
  vi.stubEnv('NATS_SERVERS', '');
});
afterEach(() => vi.unstubAllEnvs());

it('servers that NATS_SERVERS names are taken by their versions', () => {
  const [old, floor, between, current] = [
    program('2.9.10'),
    program('2.10.3'),
    program('2.12.1'),
    program('2.16.0'),
  ];
  vi.stubEnv('NATS_SERVERS', [old, between, current, floor].join(delimiter));
  expect(natsBinary('floor')).toBe(floor);
  expect(natsBinary('current')).toBe(current);
  expect(missingNats('floor', 'current')).toBeUndefined();
});

it('where one is missing, suites that need it are left out with the reason', () => {
  vi.stubEnv('NATS_SERVERS', program('2.10.29'));
  expect(needsNats()).toEqual({});
  const { skip, meta } = needsNats('floor', 'current');
  expect(skip).toBe(true);
  expect(meta?.notRun).toMatch(/^there is no nats-server 2\.15\.2: /);
});
