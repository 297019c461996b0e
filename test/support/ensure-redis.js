// @ts-check
import { spawnSync } from 'node:child_process';
import { aptInstall } from './apt.js';
import { onPath } from './redis-process.js';

/** The oldest server that the library supports. */
const FLOOR = 7;

const NOTES = 'https://redis.io/docs/latest/operate/oss_and_stack/install/';

/**
 * Makes sure that the tests can start servers of their own, by installing Redis where that is
 * possible without asking. On REDIS_URL most tests use that server, but those that stop, freeze or
 * configure one still want their own.
 *
 * @returns {boolean} false where it is missing; what to type has been printed
 */
export function ensureRedis() {
  if (!onPath('redis-server')) install();
  if (!onPath('redis-server')) return doWithout();
  const version = serverVersion();
  if (version !== undefined && Number.parseInt(version, 10) < FLOOR) {
    const problem = `redis-server on PATH is ${version}; the tests need ${FLOOR}.0 or newer.`;
    console.error(`\n${problem}\nHow to get one: ${NOTES}`);
    return false;
  }
  console.log(`redis-server ${version ?? 'of unknown version'}`);
  return true;
}

function install() {
  for (const [command = '', ...args] of installCommands()) {
    console.log(`redis-server is not on PATH; running: ${[command, ...args].join(' ')}`);
    spawnSync(command, args, { stdio: 'inherit' });
  }
}

function doWithout() {
  if (process.env['REDIS_URL']) {
    console.warn(
      'No redis-server on PATH: REDIS_URL serves most tests. Those that stop, freeze or',
    );
    console.warn('configure a server of their own will fail.');
    return true;
  }
  console.error('\nredis-server is not on PATH, and the tests need it. Install it with');
  console.error(`\n  ${commandToType()}\n\nand run the tests again. Other ways: ${NOTES}`);
  return false;
}

/** What to run, one after the other; nothing where it would take a password or is not known. */
function installCommands() {
  if (onPath('apt-get')) return aptInstall('redis-server');
  return onPath('brew') ? [['brew', 'install', 'redis']] : [];
}

function serverVersion() {
  const { stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' });
  return /v=(\d+\.\d+\.\d+)/.exec(stdout)?.[1];
}

function commandToType() {
  if (process.platform === 'win32')
    return 'wsl --install   (Redis runs under WSL; run the tests there)';
  const known = [
    ['apt-get', 'sudo apt-get update && sudo apt-get install -y redis-server'],
    ['dnf', 'sudo dnf install -y redis'],
    ['apk', 'sudo apk add redis'],
    ['pacman', 'sudo pacman -S --noconfirm redis'],
    ['zypper', 'sudo zypper install -y redis'],
  ];
  return known.find(([manager = '']) => onPath(manager))?.[1] ?? 'brew install redis';
}
