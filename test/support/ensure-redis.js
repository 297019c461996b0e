// @ts-check
import { spawnSync } from 'node:child_process';
import { onPath } from './redis-process.js';

/** The oldest server that the library supports. */
const FLOOR = 7;

/**
 * Makes sure that the tests can start servers of their own, by installing Redis where that is
 * possible without asking. With REDIS_URL most tests use that server, but those that stop, freeze
 * and configure one still need their own.
 *
 * @returns {boolean} false where it is missing; what to type has been printed
 */
export function ensureRedis() {
  if (!onPath('redis-server')) install();
  if (!onPath('redis-server')) return missing('redis-server is not on PATH, and the tests need it.');
  const version = serverVersion();
  if (version !== undefined && Number.parseInt(version, 10) < FLOOR) {
    return missing(`redis-server on PATH is ${version}; the tests need ${FLOOR}.0 or newer.`);
  }
  console.log(`redis-server ${version ?? 'of unknown version'}`);
  return true;
}

function install() {
  for (const [command = '', ...args] of installCommands()) {
    console.log(`redis-server is not on PATH; running: ${[command, ...args].join(' ')}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const { status } = spawnSync(command, args, { stdio: 'inherit', env });
    if (status !== 0) return;
  }
}

/** What to run, one after the other; nothing where it would take a password or is not known. */
function installCommands() {
  if (onPath('apt-get')) {
    const sudo = sudoPrefix();
    return sudo ? apt(sudo) : [];
  }
  return onPath('brew') ? [['brew', 'install', 'redis']] : [];
}

/** @param {readonly string[]} sudo */
function apt(sudo) {
  return [
    [...sudo, 'apt-get', 'update'],
    [...sudo, 'apt-get', 'install', '-y', '--no-install-recommends', 'redis-server'],
  ];
}

/** How to become root without a password: `undefined` where that is not possible. */
function sudoPrefix() {
  if (process.getuid?.() === 0) return [];
  if (!onPath('sudo')) return undefined;
  return spawnSync('sudo', ['-n', 'true']).status === 0 ? ['sudo', '-n'] : undefined;
}

function serverVersion() {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

/** @param {string} problem */
function missing(problem) {
  console.error(`\n${problem}\nInstall it, then run the tests again:\n\n  ${commandToType()}\n`);
  return false;
}

function commandToType() {
  if (process.platform === 'win32') return 'wsl --install   (Redis runs under WSL; run the tests there)';
  const known = [
    ['apt-get', 'sudo apt-get update && sudo apt-get install -y redis-server'],
    ['dnf', 'sudo dnf install -y redis'],
    ['apk', 'sudo apk add redis'],
    ['pacman', 'sudo pacman -S --noconfirm redis'],
    ['zypper', 'sudo zypper install -y redis'],
  ];
  return known.find(([manager = '']) => onPath(manager))?.[1] ?? 'brew install redis';
}
