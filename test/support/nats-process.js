// @ts-check
import { copyFile, link, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingNats, natsBinary } from './nats-binaries.js';
import { startedOnPort } from './free-port.js';
import { ServerProcess } from './server-process.js';
import { giveAway, unprivileged } from './unprivileged.js';

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
    return await startedOnPort((port) => new NatsServer(port, dir, options.config, options.name), {
      port: options.port,
    });
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** The other user may not enter the folder of root's programs. @param {string} binary @param {string} place */
async function placeBinary(binary, place) {
  await link(binary, place).catch(() => copyFile(binary, place));
}

/** A nats-server process of our own. */
export class NatsServer extends ServerProcess {
  /**
   * @param {number} port
   * @param {string} dir holds the program, the data and the log
   * @param {NatsConfig} [config]
   * @param {string} [name]
   */
  constructor(port, dir, config = {}, name = `nats-${port}`) {
    super(port, dir, { program: 'nats-server', readyText: 'Server is ready' });
    this.config = config;
    this.name = name;
  }

  /** Where to connect; with TLS, too. */
  url() {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** @override */
  async prepare() {
    const file = join(this.dir, 'nats.conf');
    await writeFile(file, JSON.stringify(this.#settings()));
    return { command: join(this.dir, 'nats-server'), args: ['-c', file], options: unprivileged() };
  }

  /**
   * Ends it where it runs (SIGTERM) and starts it again on the same port and data.
   *
   * @param {{ config?: NatsConfig }} [options] another configuration than before
   */
  async restart(options = {}) {
    await this.end();
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
    await this.ended();
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
}
