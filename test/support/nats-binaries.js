// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

/** @typedef {'floor' | 'current'} NatsVersion */

/**
 * What the tests run on: the newest release of the oldest version that the driver supports, and the
 * newest of all.
 */
export const NATS_VERSIONS = /** @type {const} */ ({ floor: '2.10.29', current: '2.15.2' });

/**
 * The program of a server: one of NATS_SERVERS (paths with colons between, semicolons on Windows) whose
 * version fits, else the one that the test run has built, else the one on PATH where its version fits.
 *
 * @param {NatsVersion} version
 * @returns {string | undefined}
 */
export function natsBinary(version) {
  const given = (process.env['NATS_SERVERS'] ?? '').split(delimiter).filter((path) => path !== '');
  return (
    given.find((path) => fits(path, version)) ??
    [builtNats(version)].find((path) => existsSync(path)) ??
    ['nats-server'].find((path) => fits(path, version))
  );
}

/** Where the test run builds a server: outside of the repository, for all its copies. @param {NatsVersion} version */
export function builtNats(version) {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const program = process.platform === 'win32' ? 'nats-server.exe' : 'nats-server';
  return join(cache, 'nestjs-redis-streams', 'nats-server', NATS_VERSIONS[version], program);
}

/**
 * Why tests of NATS cannot be run.
 *
 * @param {readonly NatsVersion[]} versions that a test needs
 * @returns {string | undefined} `undefined` where all are there
 */
export function missingNats(...versions) {
  const missing = versions.filter((version) => natsBinary(version) === undefined);
  if (missing.length === 0) return undefined;
  const names = missing.map((version) => NATS_VERSIONS[version]).join(' and no ');
  return `there is no nats-server ${names}: npm test builds it where there is Go`;
}

/** The version of a program, as `2.10.29`; `undefined` where it cannot be run. @param {string} path */
export function natsVersionOf(path) {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return /nats-server: v(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1];
}

/** Another release of the same version is a floor; a newer version is current. @param {string} path @param {NatsVersion} version */
function fits(path, version) {
  const [major, minor] = numbers(natsVersionOf(path) ?? '0.0');
  const [, wanted = 0] = numbers(NATS_VERSIONS[version]);
  return major === 2 && (version === 'floor' ? minor === wanted : (minor ?? 0) >= wanted);
}

/** @param {string} version */
function numbers(version) {
  return version.split('.').map(Number);
}
