// @ts-check
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { aptInstall } from './apt.js';

/** Where Debian's package has it: the command on PATH is for the package's own user only. */
export const RABBITMQ_SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/**
 * Installs RabbitMQ for the tests of docs/coming-from, where the run is root's, as in a container:
 * it is not worth Erlang on a machine that people use. Tests that find no broker say so and are not
 * run.
 *
 * @returns {Promise<void>} when the attempt has ended; other work may go on meanwhile
 */
export async function ensureRabbitMq() {
  if (existsSync(RABBITMQ_SERVER) || process.getuid?.() !== 0) return;
  const commands = aptInstall('rabbitmq-server');
  if (commands.length === 0) return;
  console.log('rabbitmq-server is not installed; installing it meanwhile');
  const began = Date.now();
  for (const [command = '', ...args] of commands) await ended(command, args);
  const found = existsSync(RABBITMQ_SERVER) ? 'installed' : 'could not be installed';
  console.log(`rabbitmq-server ${found} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/** @param {string} command @param {readonly string[]} args @returns {Promise<void>} */
function ended(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'ignore' });
    child.once('error', () => resolve());
    child.once('exit', () => resolve());
  });
}
