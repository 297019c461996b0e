// @ts-check
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { copyFile, link, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { missingNats, natsBinary } from './nats-binaries.js';
import { isStopped } from './process-children.js';
import { startedOnPort, startFailure } from './free-port.js';
import { guard } from './redis-process.js';
import { giveAway, unprivileged } from './unprivileged.js';

const READY_WITHIN = 10_000;
const STOP_WITHIN = 10_000;

/**
 * In lame duck mode clients are told at once. From the grace period on the server closes their
 * connections, one a second at least; it takes no duration below 30 seconds.
 */
const LAME_DUCK = { lame_duck_duration: '30s', lame_duck_grace_period: '500ms' };

/** @import { NatsVersion } from './nats-binaries.js' */

/** @typedef {Record<string, unknown>} NatsConfig the server's configuration file, as an object */

/**
 * @typedef {object} StartNatsOptions
 * @property {NatsVersion} [version] default `floor`
 * @property {NatsConfig} [config] besides our own, and before it: `{ max_payload: 4096 }`, or one of those
 * that nats-auth.ts makes
 * @property {Record<string, string>} [files] texts of files in the server's folder, by name, such as
 * certificates; the configuration names them without a folder
 * @property {number} [port] default a free one
 * @property {string} [name] of the server, default one with its port
 */

/**
 * Starts a private server with JetStream on loopback, in a directory of its own, as another user where
 * this process is root.
 *
 * @param {StartNatsOptions} [options]
 * @returns {Promise<NatsServer>} once it takes connections
 */
export async function startNats(options = {}) {
  const { version = 'floor', files = {} } = options;
  const binary = natsBinary(version);
  if (binary === undefined) throw new Error(missingNats(version));
  const dir = await mkdtemp(join(tmpdir(), 'streams-nats-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    giveAway(dir);
    await placeBinary(binary, join(dir, 'nats-server'));
    return await startedOnPort(
      (port) => new NatsServer(port, dir, options.config, options.name),
      options.port,
    );
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** The other user may not enter the folder of root's programs. @param {string} binary @param {string} place */
async function placeBinary(binary, place) {
  await link(binary, place).catch(() => copyFile(binary, place));
}

/**
 * A nats-server process of our own. It is ended, and its directory removed, with this process, however
 * this one ends.
 */
export class NatsServer {
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #child;
  /** @type {import('node:child_process').ChildProcess | undefined} */
  #guard;
  /** @type {Promise<unknown>} */
  #ended = Promise.resolve();
  /** Where in the log this start begins. */
  #begun = 0;

  /**
   * @param {number} port
   * @param {string} dir holds the program, the data and the log
   * @param {NatsConfig} [config]
   * @param {string} [name]
   */
  constructor(port, dir, config = {}, name = `nats-${port}`) {
    this.port = port;
    this.dir = dir;
    this.config = config;
    this.name = name;
  }

  /** Throws while no server runs. */
  get pid() {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('This nats-server is not running');
    return pid;
  }

  get running() {
    return this.#child !== undefined;
  }

  /** Where to connect; with TLS, too. */
  url() {
    return `nats://127.0.0.1:${this.port}`;
  }

  async start() {
    await writeFile(this.#configFile, JSON.stringify(this.#settings()));
    const log = openSync(this.#logFile, 'a');
    this.#begun = fstatSync(log).size;
    const child = spawn(join(this.dir, 'nats-server'), ['-c', this.#configFile], {
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

  /** SIGTERM, then removes its directory. */
  async stop() {
    await this.#end();
    this.forget();
    await rm(this.dir, { recursive: true, force: true });
  }

  /** SIGKILL. What it has stored stays, for {@link start}. */
  async kill() {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /**
   * Ends it where it runs (SIGTERM) and starts it again on the same port and data.
   *
   * @param {{ config?: NatsConfig }} [options] another configuration than before
   */
  async restart(options = {}) {
    await this.#end();
    this.config = options.config ?? this.config;
    await this.start();
  }

  /**
   * Tells clients to go elsewhere, closes their connections and ends.
   *
   * @returns {Promise<void>} when the server has ended
   */
  async lameDuck() {
    process.kill(this.pid, 'SIGUSR2');
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

  async #end() {
    const child = this.#child;
    if (!child) return;
    child.kill('SIGTERM');
    // A frozen process hears SIGTERM only once it runs again.
    child.kill('SIGCONT');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN);
    await this.#ended;
    clearTimeout(timer);
  }

  /** @returns {NatsConfig} */
  #settings() {
    return {
      ...LAME_DUCK,
      jetstream: { store_dir: join(this.dir, 'data') },
      ...this.config,
      listen: `127.0.0.1:${this.port}`,
      server_name: this.name,
    };
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
    const deadline = Date.now() + READY_WITHIN;
    while (!(await this.#isReady())) {
      if (!this.running) throw await this.#failure();
      if (Date.now() > deadline)
        throw new Error(`Not ready within ${READY_WITHIN} ms. ${await this.#lastLines()}`);
      await pause(5);
    }
  }

  /** What it says once it listens. With TLS it may not be asked without credentials. */
  async #isReady() {
    return (await this.log()).includes('Server is ready', this.#begun);
  }

  async #failure() {
    return startFailure(await this.#lastLines());
  }

  async #lastLines() {
    const log = await this.log();
    return `nats-server on port ${this.port} said:\n${log.trim().split('\n').slice(-10).join('\n')}`;
  }

  get #configFile() {
    return join(this.dir, 'nats.conf');
  }

  get #logFile() {
    return join(this.dir, 'nats.log');
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function ended(child) {
  return new Promise((resolve) => {
    child.once('exit', resolve);
    child.once('error', resolve);
  });
}
