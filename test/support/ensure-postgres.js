// @ts-check
import { spawnSync } from 'node:child_process';
import { aptInstall } from './apt.js';
import { pgBouncerBinary, POSTGRES_FLOOR, postgresBinaries } from './postgres-binaries.js';
import { onPath } from './redis-process.js';

const NOTES = 'https://www.postgresql.org/download/';

/**
 * Makes sure that the tests can start PostgreSQL servers, and a pgbouncer in front of them, by
 * installing both where that is possible without asking. The tests start servers of their own; a
 * server that the system starts after the installation is not used.
 *
 * @returns {boolean} false where one is missing; what to type has been printed
 */
export function ensurePostgres() {
  if (missing().length > 0) install(missing());
  const lacking = missing();
  if (lacking.length > 0) {
    console.error(`\nNot installed, and the tests need it: ${lacking.join(', ')}. Install with`);
    console.error(`\n  ${commandToType()}\n\nand run the tests again. Other ways: ${NOTES}`);
    console.error('The folder with initdb and postgres may be any: set POSTGRES_BIN to it.');
    return false;
  }
  const version = postgresBinaries()?.version ?? '';
  if (Number.parseInt(version, 10) < POSTGRES_FLOOR) {
    const problem = `PostgreSQL is ${version}; the tests need ${POSTGRES_FLOOR} or newer.`;
    console.error(`\n${problem}\nHow to get one: ${NOTES}`);
    return false;
  }
  console.log(`postgres ${version}, pgbouncer ${pgBouncerVersion()}`);
  return true;
}

/** Names of packages, which are the same on all systems that are known here. */
function missing() {
  return [
    ...(postgresBinaries() ? [] : ['postgresql']),
    ...(pgBouncerBinary() ? [] : ['pgbouncer']),
  ];
}

/** @param {readonly string[]} packages */
function install(packages) {
  for (const [command = '', ...args] of installCommands(packages)) {
    console.log(`${packages.join(', ')} missing; running: ${[command, ...args].join(' ')}`);
    spawnSync(command, args, { stdio: 'inherit' });
  }
}

/**
 * What to run, one after the other; nothing where it would take a password or is not known.
 *
 * @param {readonly string[]} packages
 */
function installCommands(packages) {
  if (onPath('apt-get')) return aptInstall(...packages);
  return onPath('brew') ? [['brew', 'install', ...packages]] : [];
}

function pgBouncerVersion() {
  const { stdout } = spawnSync(pgBouncerBinary() ?? '', ['--version'], { encoding: 'utf8' });
  return /PgBouncer (\S+)/.exec(stdout ?? '')?.[1] ?? 'of unknown version';
}

function commandToType() {
  if (process.platform === 'win32')
    return 'wsl --install   (the tests start servers as Linux does; run them under WSL)';
  const known = [
    ['apt-get', 'sudo apt-get update && sudo apt-get install -y postgresql pgbouncer'],
    ['dnf', 'sudo dnf install -y postgresql-server pgbouncer'],
    ['apk', 'sudo apk add postgresql pgbouncer'],
    ['pacman', 'sudo pacman -S --noconfirm postgresql pgbouncer'],
    ['zypper', 'sudo zypper install -y postgresql-server pgbouncer'],
  ];
  return (
    known.find(([manager = '']) => onPath(manager))?.[1] ?? 'brew install postgresql pgbouncer'
  );
}
