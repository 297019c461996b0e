// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startedOnPort, startFailure } from './free-port.js';

const READY_WITHIN = 10_000;
const STOP_WITHIN = 5_000;

/**
 * @typedef {object} StartRedisOptions
 * @property {readonly string[]} [args] more arguments, after our own: the last one of a name counts
 * @property {string} [binary] default what REDIS_BINARY names, else `redis-server` on PATH
 * @property {number} [port] default a free one
 * @property {string} [config] text of a configuration file, which the server may rewrite
 */

/**
 * Starts a private server on loopback in a directory of its own, without persistence.
 *
 * @param {StartRedisOptions} [options]
 * @returns {Promise<RedisServer>} once it answers
 */
export async function startRedis(options = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'streams-redis-'));
  const binary = options.binary ?? process.env['REDIS_BINARY'] ?? 'redis-server';
  const args = options.args ?? [];
  try {
    return await startedOnPort((port) => new RedisServer(binary, port, dir, args, options.config), {
      port: options.port,
    });
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** A redis-server process of our own. It is ended with this process, however this one ends. */
export class RedisServer {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #guard;
  /** @type {Promise<unknown>} */
  #ended = Promise.resolve();

  /**
   * @param {string} binary
   * @param {number} port
   * @param {string} dir
   * @param {readonly string[]} args
   * @param {string} [config]
   */
  constructor(binary, port, dir, args, config) {
    this.binary = binary;
    this.port = port;
    this.dir = dir;
    this.args = args;
    this.config = config;
  }

  get url() {
    const password = this.#password;
    return `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${this.port}`;
  }

  /** Throws while no server runs. */
  get pid() {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('This redis-server is not running');
    return pid;
  }

  get running() {
    return this.#child !== undefined;
  }

  async start() {
    const fixed = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.dir];
    const defaults = ['--save', '', '--appendonly', 'no', '--logfile', this.#logFile];
    if (this.config !== undefined) await this.#configure();
    const file = this.config === undefined ? [] : [this.#configFile];
    const child = spawn(this.binary, [...file, ...fixed, ...defaults, ...this.args], {
      stdio: 'ignore',
      // A Ctrl-C of the terminal is for us: clients still settle their work on this server.
      detached: true,
    });
    this.#ended = ended(child).finally(() => {
      if (this.#child === child) this.#child = undefined;
      this.#guard?.kill();
    });
    await spawned(child, this.binary);
    this.#child = child;
    this.#guard = guard(child, this.dir);
    child.unref();
    await this.#ready();
  }

  /** SIGTERM, then removes its directory. Does nothing where it has ended. */
  async stop() {
    await this.#end('SIGTERM');
    await rm(this.dir, { recursive: true, force: true });
  }

  /** SIGKILL. Its directory stays, for {@link restart}. */
  async kill() {
    await this.#end('SIGKILL');
  }

  /**
   * Ends it where it runs (SIGTERM) and starts it again on the same port and directory.
   *
   * @param {{ args?: readonly string[] }} [options] other arguments than before
   */
  async restart(options = {}) {
    await this.#end('SIGTERM');
    this.args = options.args ?? this.args;
    await this.start();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  freeze() {
    process.kill(this.pid, 'SIGSTOP');
  }

  /** SIGCONT. */
  thaw() {
    process.kill(this.pid, 'SIGCONT');
  }

  /** @param {NodeJS.Signals} signal */
  async #end(signal) {
    const child = this.#child;
    if (!child) return;
    child.kill(signal);
    // A frozen process hears SIGTERM only once it runs again.
    child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN);
    await this.#ended;
    clearTimeout(timer);
  }

  async #ready() {
    const deadline = Date.now() + READY_WITHIN;
    while (!(await this.#answers())) {
      if (!this.running) throw await this.#failure();
      if (Date.now() > deadline)
        throw new Error(`No answer within ${READY_WITHIN} ms. ${await this.#log()}`);
      await pause(5);
    }
  }

  /** Whether it is our process that answers, not another one on the same port. */
  async #answers() {
    const auth = this.#password === undefined ? '' : `AUTH ${this.#password}\r\n`;
    const reply = await ask(this.port, `${auth}PING\r\nINFO server\r\nQUIT\r\n`);
    return reply.includes('+PONG') && reply.includes(`process_id:${this.#child?.pid}\r`);
  }

  async #failure() {
    return startFailure(await this.#log());
  }

  async #log() {
    const log = existsSync(this.#logFile) ? await readFile(this.#logFile, 'utf8') : '';
    return `redis-server on port ${this.port} said:\n${log.trim().split('\n').slice(-10).join('\n')}`;
  }

  /** Written once: at a restart it holds what the server has added. */
  async #configure() {
    if (!existsSync(this.#configFile)) await writeFile(this.#configFile, this.config ?? '');
  }

  get #configFile() {
    return join(this.dir, 'redis.conf');
  }

  get #logFile() {
    return join(this.dir, 'redis.log');
  }

  get #password() {
    const index = this.args.lastIndexOf('--requirepass');
    return index < 0 ? undefined : this.args[index + 1];
  }
}

/** Whether a program of this name can be run. @param {string} program */
export function onPath(program) {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => folder !== '' && existsSync(join(folder, program)));
}

/**
 * Ends a child, and removes its directory, where we die without having done so: the guard's input is
 * a pipe that closes when this process ends. Kill the guard once the child has ended.
 *
 * @param {import('node:child_process').ChildProcess} [child]
 * @param {string} [dir]
 * @param {string} [act] how the shell ends the child; its id is `$1`
 */
export function guard(child, dir = '', act = 'kill -9 "$1"') {
  const script = `read -r _; { ${act}; } 2>/dev/null; [ -z "$2" ] || rm -rf "$2"`;
  const watcher = spawn('sh', ['-c', script, 'guard', String(child?.pid), dir], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watcher.on('error', () => undefined);
  watcher.unref();
  const input = /** @type {import('node:net').Socket | null} */ (watcher.stdin);
  input?.unref();
  return watcher;
}

/** @param {import('node:child_process').ChildProcess} child */
function ended(child) {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {string} binary
 */
async function spawned(child, binary) {
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new Error(`Cannot run ${binary}. Install Redis 7 or newer, or put it on PATH.`, {
      cause,
    });
  }
}

/** Sends commands and answers all that came back; '' where no server listens. @param {number} port @param {string} commands */
function ask(port, commands) {
  return new Promise((resolve) => {
    let reply = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(commands));
    socket.setEncoding('utf8').setTimeout(1_000, () => socket.destroy());
    socket.on('data', (chunk) => (reply += chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(reply));
  });
}
