// @ts-check
import { spawnSync } from 'node:child_process';
import { delimiter } from 'node:path';

/**
 * @typedef {object} ServerBinary
 * @property {string} path
 * @property {string} kind `Redis` or `Valkey`
 * @property {string} version
 */

/**
 * The server binaries beside the one on PATH that tests should run against: REDIS_SERVERS, paths
 * with colons between (semicolons on Windows). Those that cannot be run are answered by their paths.
 *
 * @returns {{ found: ServerBinary[], missing: string[] }}
 */
export function otherServers() {
  const paths = (process.env['REDIS_SERVERS'] ?? '').split(delimiter).filter((path) => path !== '');
  /** @type {ServerBinary[]} */
  const found = [];
  /** @type {string[]} */
  const missing = [];
  for (const path of new Set(paths)) {
    const server = describeServer(path);
    if (server) found.push(server);
    else missing.push(path);
  }
  return { found, missing };
}

/** @param {string} path @returns {ServerBinary | undefined} */
export function describeServer(path) {
  const { stdout } = spawnSync(path, ['--version'], { encoding: 'utf8' });
  const [, kind, version] = /^(\w+) server v=(\S+)/.exec(stdout ?? '') ?? [];
  return kind && version ? { path, kind, version } : undefined;
}
