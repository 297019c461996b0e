// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The oldest PostgreSQL that the tests run on: the oldest that Debian and the project still mend. */
export const POSTGRES_FLOOR = 15;

/** Folders with one folder for each installed version: of Debian, of Red Hat, of Homebrew. */
const VERSIONED = [
  { folder: '/usr/lib/postgresql', entry: /^\d+$/ },
  { folder: '/usr', entry: /^pgsql-\d+$/ },
  { folder: '/opt/homebrew/opt', entry: /^postgresql@\d+$/ },
];

/**
 * The programs of a PostgreSQL server. Packages keep most of them off PATH.
 *
 * @returns {{ bin: string, version: string } | undefined} POSTGRES_BIN where it is set; else the oldest
 * installed version from the floor on, so that a run shows that the floor holds
 */
export function postgresBinaries() {
  const given = process.env['POSTGRES_BIN'];
  const folders = given ? [given] : [...versionedFolders(), ...pathFolders()];
  const found = folders.flatMap((bin) => {
    const version = versionIn(bin);
    return version === undefined ? [] : [{ bin, version }];
  });
  found.sort((a, b) => Number.parseFloat(a.version) - Number.parseFloat(b.version));
  const recent = found.find(({ version }) => Number.parseInt(version, 10) >= POSTGRES_FLOOR);
  return recent ?? found.at(-1);
}

/** The path of pgbouncer: packages put it where only root's PATH leads. */
export function pgBouncerBinary() {
  const folders = [...pathFolders(), '/usr/sbin', '/usr/local/sbin', '/opt/homebrew/bin'];
  return folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path));
}

function versionedFolders() {
  return VERSIONED.flatMap(({ folder, entry }) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => entry.test(name))
          .map((name) => join(folder, name, 'bin'))
      : [],
  );
}

function pathFolders() {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** The version of the server in a folder. @param {string} bin */
function versionIn(bin) {
  const programs = ['postgres', 'initdb'].map((name) => join(bin, name));
  if (!programs.every((program) => existsSync(program))) return undefined;
  const { stdout } = spawnSync(programs[0] ?? '', ['--version'], { encoding: 'utf8' });
  return /\) (\d+(?:\.\d+)?)/.exec(stdout ?? '')?.[1];
}
