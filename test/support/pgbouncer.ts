import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pgBouncerBinary } from './postgres-binaries.js';
import { SUPERUSER } from './postgres-data.js';
import type { PostgresServer } from './postgres-server.js';
import { freePort } from './free-port.js';
import { guard } from './redis-process.js';
import { giveAway, unprivileged } from './unprivileged.js';
import { until } from './until.js';

export interface PgBouncer {
  readonly port: number;
  /** As the server's own, see {@link PostgresServer.url}, through the pooler. */
  url(database?: string, role?: { name: string; password: string }): string;
  /** SIGTERM ends it without waiting for clients. Then removes its directory. */
  stop(): Promise<void>;
  /** SIGKILL. Its directory stays, for {@link start}. */
  kill(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
}

/**
 * A private pgbouncer on loopback, as Debian has it, in front of a server: by default each transaction
 * may get another connection of the server. All roles and databases of the server can be used. It
 * ends with this process, however this one ends.
 *
 * @param settings of `pgbouncer.ini`, besides our own and before them
 */
export async function startPgBouncer(
  server: PostgresServer,
  settings: Record<string, string | number> = {},
): Promise<PgBouncer> {
  const dir = await mkdtemp(join(tmpdir(), 'streams-pgbouncer-'));
  const port = await freePort();
  const files = { ini: join(dir, 'pgbouncer.ini'), users: join(dir, 'users.txt') };
  await writeFile(files.users, `"${SUPERUSER.name}" "${SUPERUSER.password}"\n`, { mode: 0o600 });
  await writeFile(files.ini, configuration(server, { dir, port, users: files.users }, settings));
  giveAway(dir);
  const log = () => readFile(join(dir, 'pgbouncer.log'), 'utf8').catch(() => '');
  let end: (signal: NodeJS.Signals) => Promise<void> = async () => undefined;
  const start = async (): Promise<void> => {
    end = await started(files.ini, dir);
    await until('pgbouncer takes connections', () => takesConnections(port), 15_000, log);
  };
  const stop = async (): Promise<void> => {
    await end('SIGTERM');
    await rm(dir, { recursive: true, force: true });
  };
  await start().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const url: PgBouncer['url'] = (...of) =>
    server.url(...of).replace(`:${server.port}/`, `:${port}/`);
  return { port, url, stop, start, kill: () => end('SIGKILL') };
}

function configuration(
  server: PostgresServer,
  { dir, port, users }: { dir: string; port: number; users: string },
  settings: Record<string, string | number>,
): string {
  const lines = {
    pool_mode: 'transaction',
    default_pool_size: 20,
    max_client_conn: 500,
    ...settings,
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: dir,
    logfile: join(dir, 'pgbouncer.log'),
    auth_type: 'scram-sha-256',
    auth_file: users,
    // The passwords of other roles come from the server.
    auth_user: SUPERUSER.name,
  };
  // By the socket, where the server asks for no passwords.
  const databases = `[databases]\n* = host=${server.dir} port=${server.port}\n`;
  const text = Object.entries(lines).map(([name, value]) => `${name} = ${value}\n`);
  return `${databases}[pgbouncer]\n${text.join('')}`;
}

/** Answers how to end it. */
async function started(ini: string, dir: string) {
  const child = spawn(pgBouncerBinary() ?? 'pgbouncer', ['-q', ini], {
    ...unprivileged(),
    cwd: dir,
    stdio: 'ignore',
    detached: true,
  });
  const exit = once(child, 'exit');
  await once(child, 'spawn');
  const watcher = guard(child, dir);
  child.unref();
  return async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exit;
    watcher.kill();
  };
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true));
    socket.once('error', () => resolve(false)).once('connect', () => socket.end());
  });
}
