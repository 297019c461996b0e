// @ts-check
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startedOnPort } from './free-port.js';
import { classPath, javaProgram, kafkaFiles, missingKafka } from './kafka-jars.js';
import { ServerProcess } from './server-process.js';

/** For clients, for its controller, and for the other brokers. */
export const PORTS_OF_BROKER = 3;
/** A start takes two seconds of a core, which many test files at a time make longer. */
const READY_WITHIN = 25_000;
/** Brokers of a cluster know each other by it. */
const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAAQ';

const JAVA_OPTIONS = [
  ...['-Xms64m', '-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=error',
  // It says when the broker has started.
  '-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info',
];

/** What the tests need: short waits, and little memory. */
const DEFAULTS = {
  'process.roles': 'broker,controller',
  'listener.security.protocol.map': 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'INTERNAL',
  'controller.listener.names': 'CONTROLLER',
  'auto.create.topics.enable': false,
  'num.partitions': 1,
  ...ofInternalTopics(1),
  // A topic is made in 10 ms, not in 35.
  'controller.quorum.append.linger.ms': 0,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 100,
  // A broker that was killed may come back only once the controller has given up the one before.
  'broker.session.timeout.ms': 1_500,
  'broker.heartbeat.interval.ms': 300,
  // Of 128 MB by default, which is more than the heap.
  'log.cleaner.dedupe.buffer.size': 4_194_304,
};

/** @typedef {Record<string, string | number | boolean>} KafkaConfig lines of server.properties, by name */

/**
 * @typedef {object} StartKafkaOptions
 * @property {KafkaConfig} [config] instead of our own lines of the same name:
 * `{ 'auto.create.topics.enable': true }`, or one of those that kafka-auth.ts makes
 * @property {Record<string, string>} [files] texts of files in the broker's folder, by name, such as
 * certificates; the configuration names them without a folder
 * @property {readonly string[]} [format] arguments for the formatting of the data folder, such as
 * `--add-scram`; takes a second more
 * @property {readonly string[]} [java] further options of Java, such as `-Xmx512m`
 * @property {number} [port] for clients. The two ports above it are the broker's too. Default free ones
 * @property {number} [advertisedPort] where clients are sent, such as the port of a proxy; default the
 * broker's
 * @property {number} [nodeId] default 1
 */

/**
 * Starts a private broker on loopback, its own controller, in a directory of its own.
 *
 * @param {StartKafkaOptions} [options]
 * @returns {Promise<KafkaServer>} once it takes connections, after about two seconds
 */
export async function startKafka(options = {}) {
  const missing = missingKafka();
  if (missing !== undefined) throw new Error(missing);
  const dir = await mkdtemp(join(tmpdir(), 'streams-kafka-'));
  try {
    for (const [name, text] of Object.entries(options.files ?? {}))
      await writeFile(join(dir, name), text);
    const make = (/** @type {number} */ port) => new KafkaServer(port, dir, options);
    return await startedOnPort(make, { port: options.port, width: PORTS_OF_BROKER });
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** A Kafka broker of our own. */
export class KafkaServer extends ServerProcess {
  #options;

  /**
   * @param {number} port
   * @param {string} dir holds the data and the log
   * @param {StartKafkaOptions} [options]
   */
  constructor(port, dir, options = {}) {
    super(port, dir, {
      program: 'The Kafka broker',
      readyText: 'Kafka Server started',
      readyWithin: READY_WITHIN,
    });
    this.#options = options;
    this.nodeId = options.nodeId ?? 1;
  }

  /** Where to connect. */
  get brokers() {
    return [`127.0.0.1:${this.#options.advertisedPort ?? this.port}`];
  }

  /** How a controller of the cluster is named in `controller.quorum.voters`. */
  get voter() {
    return `${this.nodeId}@127.0.0.1:${this.port + 1}`;
  }

  /** @override */
  async prepare() {
    const files = kafkaFiles();
    const java = javaProgram() ?? 'java';
    const properties = join(this.dir, 'server.properties');
    await writeFile(properties, propertiesText(this.#settings()));
    if (!existsSync(this.#data)) this.#format(java, properties);
    const classes = existsSync(files.classes) ? [`-XX:SharedArchiveFile=${files.classes}`] : [];
    const options = [...JAVA_OPTIONS, ...classes, ...(this.#options.java ?? [])];
    const args = [...options, '-cp', classPath(files.libs), 'kafka.Kafka', properties];
    return { command: java, args };
  }

  /** SIGKILL, then removes its directory. @override */
  async stop() {
    await this.kill();
    await this.remove();
  }

  /**
   * Ends it where it runs (SIGTERM) and starts it again on the same ports and data.
   *
   * @param {{ config?: KafkaConfig }} [options] another configuration than before
   */
  async restart(options = {}) {
    await this.end();
    this.#options = { ...this.#options, ...options };
    await this.start();
  }

  /** @returns {KafkaConfig} */
  #settings() {
    const at = (/** @type {number} */ port) => `127.0.0.1:${port}`;
    const internal = `INTERNAL://${at(this.port + 2)}`;
    return {
      ...DEFAULTS,
      'node.id': this.nodeId,
      'log.dirs': this.#data,
      'controller.quorum.voters': this.voter,
      listeners: `CLIENT://${at(this.port)},CONTROLLER://${at(this.port + 1)},${internal}`,
      'advertised.listeners': `CLIENT://${this.brokers[0]},${internal}`,
      ...this.#options.config,
    };
  }

  /** @param {string} java @param {string} properties */
  #format(java, properties) {
    const { libs, formatted } = kafkaFiles();
    const more = this.#options.format ?? [];
    if (more.length > 0) return formatWithJava({ java, libs, properties, more });
    mkdirSync(this.#data);
    cpSync(formatted, this.#data, { recursive: true });
    const directory = randomBytes(16).toString('base64url');
    const meta = { version: 1, 'cluster.id': CLUSTER_ID, 'node.id': this.nodeId };
    const text = propertiesText({ ...meta, 'directory.id': directory });
    writeFileSync(join(this.#data, 'meta.properties'), text);
  }

  get #data() {
    return join(this.dir, 'data');
  }
}

/**
 * The lines for the topics that the broker keeps for itself.
 *
 * @param {number} copies on so many brokers
 * @returns {KafkaConfig}
 */
export function ofInternalTopics(copies) {
  const enough = Math.ceil((copies + 1) / 2);
  return {
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': copies,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': copies,
    'transaction.state.log.min.isr': enough,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': copies,
    'share.coordinator.state.topic.min.isr': enough,
  };
}

/**
 * Formats the data folder that the properties name.
 *
 * @param {{ java: string, libs: string, properties: string, more?: readonly string[] }} options
 */
export function formatWithJava({ java, libs, properties, more = [] }) {
  const tool = ['kafka.tools.StorageTool', 'format', '-t', CLUSTER_ID, '-c', properties, ...more];
  const args = [...JAVA_OPTIONS, '-cp', classPath(libs), ...tool];
  const { status, stderr, stdout } = spawnSync(java, args, { encoding: 'utf8' });
  if (status !== 0)
    throw new Error(`The data folder of a broker was not formatted: ${stderr}${stdout}`);
}

/** @param {KafkaConfig} config */
function propertiesText(config) {
  return Object.entries(config)
    .map(([name, value]) => `${name}=${String(value)}\n`)
    .join('');
}
