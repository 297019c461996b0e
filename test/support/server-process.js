// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isStopped } from './process-children.js';
import { startFailure } from './free-port.js';
import { guard } from './redis-process.js';

const READY_WITHIN = 10_000;
const STOP_WITHIN = 10_000;

/**
 * @typedef {object} ServerLine how a server is started
 * @property {string} command
 * @property {readonly string[]} args
 * @property {{ uid?: number, gid?: number, env?: NodeJS.ProcessEnv }} [options] for `spawn`
 */

/**
 * @typedef {object} ServerTraits
 * @property {string} program what messages call the server
 * @property {string} readyText what the server prints once it takes connections
 * @property {number} [readyWithin] ms, default 10,000
 */

/**
 * A server that is one process, with a directory for its data and its log. The process is ended, and its
 * directory removed, with this process, however this one ends.
 */
export class ServerProcess {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #guard;
  /** @type {Promise<unknown>} */
  #ended = Promise.resolve();
  /** Where in the log this start begins. */
  #begun = 0;
  #traits;

  /**
   * @param {number} port
   * @param {string} dir holds the data and the log
   * @param {ServerTraits} traits
   */
  constructor(port, dir, traits) {
    this.port = port;
    this.dir = dir;
    this.#traits = traits;
  }

  /** Throws while no server runs. */
  get pid() {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`This ${this.#traits.program} is not running`);
    return pid;
  }

  get running() {
    return this.#child !== undefined;
  }

  /**
   * Writes the configuration. Called before each start.
   *
   * @abstract
   * @returns {Promise<ServerLine>} what to run
   */
  async prepare() {
    throw new Error('A subclass says what to run');
  }

  /** @returns {Promise<void>} once the server takes connections */
  async start() {
    const { command, args, options } = await this.prepare();
    const log = openSync(this.#logFile, 'a');
    this.#begun = fstatSync(log).size;
    const child = spawn(command, args, {
      ...options,
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

  /** SIGTERM, then removes its directory. */
  async stop() {
    await this.end();
    await this.remove();
  }

  /** Removes the directory of a server that has ended. */
  async remove() {
    this.forget();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** SIGKILL. What the server has stored stays, for {@link start}. */
  async kill() {
    // Otherwise a process that only waits for this would end.
    this.#child?.ref();
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /**
   * SIGTERM, where it runs. What the server has stored stays.
   *
   * @param {number} [within] it is killed after this time, in milliseconds
   */
  async end(within = STOP_WITHIN) {
    const child = this.#child;
    if (!child) return;
    // Otherwise a process that only waits for this would end.
    child.ref();
    child.kill('SIGTERM');
    // A frozen process hears SIGTERM only once it runs again.
    child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), within);
    await this.#ended;
    clearTimeout(timer);
  }

  /** @returns {Promise<void>} when the server has ended */
  async ended() {
    await this.#ended;
  }

  /** SIGSTOP: connections stay open and nothing answers any more. */
  freeze() {
    process.kill(this.pid, 'SIGSTOP');
    while (!isStopped(this.pid));
  }

  /** SIGCONT. */
  thaw() {
    process.kill(this.pid, 'SIGCONT');
  }

  /** What the server has said since its first start. */
  log() {
    return readFile(this.#logFile, 'utf8');
  }

  /** Ends the guard. The directory is the caller's from then on. */
  forget() {
    this.#guard?.kill();
    this.#guard = undefined;
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
    this.#guard = guard(child, this.dir, child ? undefined : ':');
  }

  async #ready() {
    const within = this.#traits.readyWithin ?? READY_WITHIN;
    const deadline = Date.now() + within;
    while (!(await this.#isReady())) {
      if (!this.running) throw startFailure(await this.#lastLines());
      if (Date.now() > deadline)
        throw new Error(`Not ready within ${within} ms. ${await this.#lastLines()}`);
      await pause(5);
    }
  }

  /** By what the server prints: with TLS or logins it may not be asked without credentials. */
  async #isReady() {
    const log = await readFile(this.#logFile);
    return log.subarray(this.#begun).includes(this.#traits.readyText);
  }

  async #lastLines() {
    const lines = (await this.log()).trim().split('\n');
    // Java says where in its code; what went wrong stands before.
    const said = lines.filter((line) => !line.startsWith('\tat ')).slice(-10);
    return `${this.#traits.program} on port ${this.port} said:\n${said.join('\n')}`;
  }

  get #logFile() {
    return join(this.dir, 'server.log');
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function ended(child) {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
}
