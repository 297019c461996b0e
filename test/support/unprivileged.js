// @ts-check
import { spawnSync } from 'node:child_process';

/** The user that owns no files, by its number on Linux. */
const UNPRIVILEGED = { uid: 65_534, gid: 65_534 };

const isRoot = () => process.getuid?.() === 0;

/**
 * The user for servers that refuse to run as root, or need not: options for `spawn`.
 *
 * @returns {{ uid?: number, gid?: number }} another user where this process is root, else nothing
 */
export function unprivileged() {
  return isRoot() ? UNPRIVILEGED : {};
}

/**
 * Gives files, and folders with all that is in them, to that user. Does nothing where this process is
 * not root: the files are that user's already.
 *
 * @param {readonly string[]} paths
 */
export function giveAway(...paths) {
  if (!isRoot()) return;
  const { status } = spawnSync('chown', [
    '-R',
    `${UNPRIVILEGED.uid}:${UNPRIVILEGED.gid}`,
    ...paths,
  ]);
  if (status !== 0) throw new Error(`Cannot give ${paths.join(', ')} to user ${UNPRIVILEGED.uid}`);
}
