// @ts-check
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { secret } from './secrets.js';
import { giveAway, unprivileged } from './unprivileged.js';

/** The user that may do everything on the servers of the tests. */
export const SUPERUSER = { name: 'postgres', password: secret('server') };

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/postgres', import.meta.url));

/** Over TCP with passwords, as in production. The socket lies in a folder of the server's user alone. */
const INITDB = [
  ...['--username', SUPERUSER.name, '--auth-host=scram-sha-256', '--auth-local=trust'],
  ...['--no-locale', '--encoding=UTF8', '--no-sync', '--wal-segsize=1'],
];

/**
 * Makes the data folder of a new server: a copy of one that `initdb` has made once for all runs, since
 * that takes ten times as long.
 *
 * @param {{ bin: string, version: string }} binaries
 * @param {string} data
 */
export async function createData({ bin, version }, data) {
  const key = createHash('sha256')
    .update([SUPERUSER.password, ...INITDB].join(' '))
    .digest('hex');
  const template = join(CACHE, `${version}-${key.slice(0, 8)}`);
  if (!existsSync(template)) await createTemplate(bin, template);
  run('cp', ['-R', template, data]);
  giveAway(data);
}

/** Other processes may do the same meanwhile: the first to end counts. @param {string} bin @param {string} template */
async function createTemplate(bin, template) {
  const dir = await mkdtemp(join(tmpdir(), 'streams-initdb-'));
  const [data, password] = [join(dir, 'data'), join(dir, 'password')];
  await writeFile(password, SUPERUSER.password);
  giveAway(dir);
  run(join(bin, 'initdb'), ['-D', data, `--pwfile=${password}`, ...INITDB], unprivileged());
  await mkdir(CACHE, { recursive: true });
  const copy = await mkdtemp(join(CACHE, 'new-'));
  run('cp', ['-R', data, join(copy, 'data')]);
  await rename(join(copy, 'data'), template).catch((error) => {
    if (!existsSync(template)) throw error;
  });
  for (const folder of [copy, dir]) await rm(folder, { recursive: true, force: true });
}

/**
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ uid?: number, gid?: number }} [user]
 */
function run(program, args, user = {}) {
  const { status, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    cwd: tmpdir(),
    ...user,
  });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr}`);
}

/**
 * Makes the data folder of a server that follows another one.
 *
 * @param {{ bin: string }} binaries
 * @param {{ dir: string, port: number }} primary
 * @param {string} data
 */
export function copyOf({ bin }, primary, data) {
  const from = ['-h', primary.dir, '-p', String(primary.port), '-U', SUPERUSER.name];
  const how = ['--checkpoint=fast', '--wal-method=stream', '--write-recovery-conf', '--no-sync'];
  run(join(bin, 'pg_basebackup'), [...from, '-D', data, ...how], unprivileged());
}

/**
 * Removes the piece of shared memory that marks the data as taken: a killed server leaves it behind,
 * and only a restart would remove it.
 *
 * @param {string} pidFile whose seventh line has its key and its id
 */
export function forgetMemory(pidFile) {
  if (!existsSync(pidFile)) return;
  const id = readFileSync(pidFile, 'utf8').split('\n')[6]?.trim().split(/\s+/)[1];
  if (id !== undefined) spawnSync('ipcrm', ['-m', id]);
}
