// @ts-check
import { spawnSync } from 'node:child_process';
import { aptInstall } from './apt.js';
import { onPath } from './redis-process.js';

/**
 * Installs Prometheus for the test of monitoring/, where the run is root's, as in a container. Tests that
 * find none say so and are not run.
 */
export function ensurePrometheus() {
  if (onPath('prometheus') || process.getuid?.() !== 0) return;
  for (const [command = '', ...args] of aptInstall('prometheus')) {
    spawnSync(command, args, { stdio: 'ignore' });
  }
}
