// @ts-check
import { spawnSync } from 'node:child_process';
import { onPath } from './redis-process.js';

/**
 * What to run, one after the other, to install packages; nothing where that would take a password.
 *
 * @param {readonly string[]} names
 * @returns {string[][]}
 */
export function aptInstall(...names) {
  const sudo = onPath('apt-get') ? sudoPrefix() : undefined;
  if (sudo === undefined) return [];
  // Through env, since sudo clears the environment.
  const asRoot = [...sudo, 'env', 'DEBIAN_FRONTEND=noninteractive'];
  return [
    [...asRoot, 'apt-get', 'update'],
    [...asRoot, 'apt-get', 'install', '-y', '--no-install-recommends', ...names],
  ];
}

/** How to become root without a password: `undefined` where that is not possible. */
function sudoPrefix() {
  if (process.getuid?.() === 0) return [];
  if (!onPath('sudo')) return undefined;
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}
