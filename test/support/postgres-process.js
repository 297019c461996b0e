// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { postgresBinaries } from './postgres-binaries.js';
import { createData, forgetMemory, SUPERUSER, copyOf } from './postgres-data.js';
import { childrenOf, runs } from './process-children.js';
import { startedOnPort, startFailure } from './free-port.js';
import { guard } from './redis-process.js';
import { giveAway, unprivileged } from './unprivileged.js';

const READY_WITHIN = 20_000;
const STOP_WITHIN = 10_000;

/**
 * For the guard, see redis-process.js: an immediate shutdown, after which the server's own processes
 * and its shared memory are gone too. At the latest after ten seconds the directory is removed.
 */
const LAST_ACT = `kill -QUIT "$1"; kill -CONT "$1"; n=0
  while kill -0 "$1" && [ $n -lt 100 ]; do n=$((n+1)); sleep 0.1; done; kill -9 "$1"`;

/**
 * What the tests need, and little memory. Without `fsync` a commit still outlives the death of the
 * server's processes, since the system has its pages; only the machine itself must not fail.
 */
const DEFAULTS = {
  fsync: 'off',
  max_connections: 200,
  shared_buffers: '32MB',
  min_wal_size: '80MB',
  max_wal_size: '1GB',
  // In the data folder, not in /dev/shm: it goes with the folder after a SIGKILL.
  dynamic_shared_memory_type: 'mmap',
};

/** @typedef {Record<string, string | number | boolean>} Settings of postgresql.conf, by name */

/**
 * @typedef {object} StartPostgresOptions
 * @property {Settings} [settings] besides our own, and before them
 * @property {number} [port] default a free one
 * @property {PostgresServer} [standbyOf] a server of which this one is a read-only copy that follows
 */

/**
 * Starts a private server on loopback in a directory of its own, as another user where this
 * process is root. Its programs are those of {@link postgresBinaries}.
 *
 * @param {StartPostgresOptions} [options]
 * @returns {Promise<PostgresServer>} once it takes connections
 */
export async function startPostgres(options = {}) {
  const binaries = postgresBinaries();
  if (!binaries) throw new Error('PostgreSQL is not installed. "npm test" says how to get it.');
  const dir = await mkdtemp(join(tmpdir(), 'streams-postgres-'));
  try {
    giveAway(dir);
    const data = join(dir, 'data');
    if (options.standbyOf) copyOf(binaries, options.standbyOf, data);
    else await createData(binaries, data);
    return await startedOnPort(
      (port) => new PostgresServer(binaries.bin, port, dir, options.settings),
      { port: options.port },
    );
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/**
 * A PostgreSQL server of our own. Its superuser is `postgres`. The server is ended, and its directory
 * removed, with this process, however this one ends.
 */
export class PostgresServer {
  /** @type {import('node:child_process').ChildProcess | undefined} the postmaster, the parent of all others */
  #child;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #guard;
  /** @type {Promise<unknown>} */
  #ended = Promise.resolve();

  /**
   * @param {string} bin folder of the programs
   * @param {number} port
   * @param {string} dir holds the data, the socket and the log
   * @param {Settings} [settings]
   */
  constructor(bin, port, dir, settings = {}) {
    this.bin = bin;
    this.port = port;
    this.dir = dir;
    this.settings = settings;
  }

  /** Of the postmaster. Throws while no server runs. */
  get pid() {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('This PostgreSQL server is not running');
    return pid;
  }

  get running() {
    return this.#child !== undefined;
  }

  /**
   * Where to connect, over TCP.
   *
   * @param {string} [database] default `postgres`
   * @param {{ name: string, password: string }} [role] default the superuser
   */
  url(database = 'postgres', role = SUPERUSER) {
    const user = `${encodeURIComponent(role.name)}:${encodeURIComponent(role.password)}`;
    return `postgres://${user}@127.0.0.1:${this.port}/${encodeURIComponent(database)}`;
  }

  async start() {
    const ours = {
      listen_addresses: '127.0.0.1',
      port: this.port,
      unix_socket_directories: this.dir,
    };
    const settings = Object.entries({ ...DEFAULTS, ...this.settings, ...ours });
    const args = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const log = openSync(this.#logFile, 'a');
    const child = spawn(join(this.bin, 'postgres'), ['-D', this.#data, ...args], {
      ...unprivileged(),
      stdio: ['ignore', log, log],
      cwd: this.dir,
      // A Ctrl-C of the terminal is for us: clients still settle their work on this server.
      detached: true,
    });
    closeSync(log);
    this.#ended = ended(child).finally(() => this.#lost(child));
    await once(child, 'spawn');
    this.#child = child;
    this.#watch(child);
    child.unref();
    await this.#ready();
  }

  /** A fast shutdown: open transactions are rolled back. Then removes its directory. */
  async stop() {
    await this.#end();
    this.forget();
    await rm(this.dir, { recursive: true, force: true });
  }

  /**
   * Ends all its processes at once, as when the machine loses them. Committed data stay, for
   * {@link restart}.
   *
   * @param {'SIGKILL' | 'SIGQUIT'} [signal] SIGQUIT is an immediate shutdown: the server still says
   * goodbye to its clients, and writes nothing
   */
  async kill(signal = 'SIGKILL') {
    if (!this.running) return;
    if (signal === 'SIGQUIT') process.kill(this.pid, signal);
    else this.#slay();
    await this.#ended;
  }

  /**
   * Ends it where it runs (a fast shutdown) and starts it again on the same port and data.
   *
   * @param {{ settings?: Settings }} [options] other settings than before
   */
  async restart(options = {}) {
    await this.#end();
    this.settings = options.settings ?? this.settings;
    await this.start();
  }

  /** SIGSTOP to all its processes: connections stay open and nothing answers. */
  freeze() {
    // The postmaster first: it starts no others afterwards.
    process.kill(this.pid, 'SIGSTOP');
    for (const pid of childrenOf(this.pid)) signalTo(pid, 'SIGSTOP');
  }

  /** SIGCONT. */
  thaw() {
    for (const pid of [...childrenOf(this.pid), this.pid]) signalTo(pid, 'SIGCONT');
  }

  /**
   * Runs statements as the superuser, on a connection of their own.
   *
   * @param {string} sql
   * @param {readonly unknown[]} [values] of a single statement's parameters
   * @param {string} [database]
   * @returns {Promise<any[]>} the rows
   */
  async query(sql, values = [], database = 'postgres') {
    const client = new Client({ connectionString: this.url(database) });
    client.on('error', () => undefined);
    await client.connect();
    try {
      const { rows } = await client.query(sql, values.length > 0 ? [...values] : undefined);
      return rows;
    } finally {
      await client.end();
    }
  }

  /** Answers the address of the new database. @param {string} name */
  async createDatabase(name) {
    await this.query(`CREATE DATABASE ${escapeIdentifier(name)}`);
    return this.url(name);
  }

  /**
   * A role that may connect, with no other right than those given.
   *
   * @param {string} name
   * @param {string} password
   * @param {string} [attributes] such as `NOINHERIT CONNECTION LIMIT 5`
   * @returns {Promise<{ name: string, password: string }>} for {@link url}
   */
  async createRole(name, password, attributes = '') {
    const [role, secret] = [escapeIdentifier(name), escapeLiteral(password)];
    await this.query(`CREATE ROLE ${role} LOGIN PASSWORD ${secret} ${attributes}`);
    return { name, password };
  }

  /** Ends the guard. The directory is the caller's from then on. */
  forget() {
    if (!this.running) forgetMemory(this.#pidFile);
    this.#guard?.kill();
    this.#guard = undefined;
  }

  async #end() {
    const child = this.#child;
    if (!child) return;
    process.kill(this.pid, 'SIGINT');
    // Frozen processes hear signals only once they run again.
    this.thaw();
    const timer = setTimeout(() => this.#slay(), STOP_WITHIN);
    await this.#ended;
    clearTimeout(timer);
  }

  #slay() {
    if (!this.running) return;
    // Stopped first, so that it neither starts others nor mends what it sees dying.
    process.kill(this.pid, 'SIGSTOP');
    const children = childrenOf(this.pid);
    for (const pid of [this.pid, ...children]) signalTo(pid, 'SIGKILL');
    const before = this.#ended;
    this.#ended = before.then(() => gone(children));
  }

  /** @param {import('node:child_process').ChildProcess} child */
  #lost(child) {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#guard) this.#watch();
  }

  /** Has the server ended, and its directory removed, with this process. @param {import('node:child_process').ChildProcess} [child] */
  #watch(child) {
    this.#guard?.kill();
    this.#guard = guard(child, this.dir, child ? LAST_ACT : ':');
  }

  async #ready() {
    const deadline = Date.now() + READY_WITHIN;
    while (!this.#isReady()) {
      if (!this.running) throw await this.#failure();
      if (Date.now() > deadline)
        throw new Error(`Not ready within ${READY_WITHIN} ms. ${await this.#log()}`);
      await pause(10);
    }
  }

  /** What the postmaster says of itself: its id in the first line, its state in the eighth. */
  #isReady() {
    const lines = existsSync(this.#pidFile) ? readFileSync(this.#pidFile, 'utf8').split('\n') : [];
    return Number(lines[0]) === this.#child?.pid && lines[7]?.trim() === 'ready';
  }

  async #failure() {
    return startFailure(await this.#log());
  }

  async #log() {
    const log = await readFile(this.#logFile, 'utf8');
    return `postgres on port ${this.port} said:\n${log.trim().split('\n').slice(-10).join('\n')}`;
  }

  get #data() {
    return join(this.dir, 'data');
  }

  get #pidFile() {
    return join(this.#data, 'postmaster.pid');
  }

  get #logFile() {
    return join(this.dir, 'postgres.log');
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function ended(child) {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalTo(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended meanwhile.
  }
}

/** @param {readonly number[]} pids */
async function gone(pids) {
  while (pids.some((pid) => runs(pid))) await pause(5);
}
