// @ts-check
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deleteKeys } from '../test/support/delete-keys.js';
import { givenBrokers, missingKafka } from '../test/support/kafka-jars.js';
import { missingNats } from '../test/support/nats-binaries.js';
import { postgresBinaries } from '../test/support/postgres-binaries.js';
import { guard, onPath, startRedis } from '../test/support/redis-process.js';
import { secret } from '../test/support/secrets.js';
import { difference } from './expected-output.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const TIME_LIMIT = 120_000;

/** @typedef {{ readonly name: string, readonly memory?: boolean }} Run `memory`: without Redis */

/** Folders such as `01-github-events`, in order. */
export function listSamples() {
  return readdirSync(join(root, 'sample'))
    .filter((name) => /^\d+-/.test(name) && existsSync(join(root, 'sample', name, 'main.ts')))
    .sort();
}

/** Every sample, and the demo also as it is where there is no Redis. @returns {Run[]} */
export function allRuns() {
  const names = listSamples();
  return [
    ...names.map((name) => ({ name })),
    ...names.slice(0, 1).map((name) => ({ name, memory: true })),
  ];
}

/**
 * One after the other, each against an empty key space, saying how each went.
 *
 * @param {readonly Run[]} runs
 */
export async function runSamples(runs) {
  const counts = { passed: 0, failed: 0 };
  const interruption = new AbortController();
  const interrupt = () => interruption.abort();
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const unbuilt = await build().catch((/** @type {Error} */ error) => error.message);
  for (const run of runs) {
    const title = `sample ${run.name}${run.memory ? ' without Redis' : ''}`;
    console.log(`\n> ${title}`);
    const problem = unbuilt ?? (await runSample(run, interruption.signal));
    console.log(`\n${title}: ${problem ?? 'did what it should'}`);
    counts[problem === undefined ? 'passed' : 'failed']++;
    if (interruption.signal.aborted) break;
  }
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  return counts;
}

/** Builds the library and compiles the samples, where that is not done yet or older than its source. */
async function build() {
  const library = newest(['lib', 'tsconfig.json', 'tsconfig.build.json']);
  if (library > oldest(['dist/index.js'])) await execute('npm', ['run', '--silent', 'build']);
  const mains = listSamples().map((name) => `sample/dist/${name}/main.js`);
  const folders = listSamples().map((name) => `sample/${name}`);
  const driver = 'sample/file-driver/src';
  const samples = newest(['tsconfig.json', 'sample/tsconfig.build.json', driver, ...folders]);
  if (samples > oldest(mains)) {
    linkLibrary();
    await execute(process.execPath, ['node_modules/@nestjs/cli/bin/nest.js', 'build']);
  }
}

/** The driver of sample/file-driver finds the library as a package of its own does. */
function linkLibrary() {
  const link = join(root, 'node_modules/nestjs-redis-streams');
  if (!existsSync(link)) symlinkSync('..', link, 'dir');
}

/** When the last of these files, or of the files in these folders, was changed; ms. @param {readonly string[]} paths @returns {number} */
function newest(paths) {
  const times = paths.map((path) => {
    const { mtimeMs } = statSync(join(root, path));
    if (!statSync(join(root, path)).isDirectory()) return mtimeMs;
    return Math.max(mtimeMs, newest(readdirSync(join(root, path)).map((name) => join(path, name))));
  });
  return Math.max(0, ...times);
}

/** When the first of these files was changed, -1 where one is missing. @param {readonly string[]} paths */
function oldest(paths) {
  const times = paths.map((path) =>
    existsSync(join(root, path)) ? statSync(join(root, path)).mtimeMs : -1,
  );
  return Math.min(...times);
}

/**
 * @param {Run} run
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} what went wrong
 */
async function runSample({ name, memory }, signal) {
  const backend = memory ? withoutRedis : await provideRedis();
  const database = reads(name, 'DATABASE_URL') ? await providePostgres() : noServer;
  const nats = reads(name, 'NATS_URL') ? await provideNats() : noServer;
  const kafka = reads(name, 'KAFKA_BROKERS') ? await provideKafka() : noServer;
  try {
    const env = { ...backend.env, ...database.env, ...nats.env, ...kafka.env };
    const { code, output } = await runProcess(join('sample/dist', name, 'main.js'), env, signal);
    if (signal.aborted) return 'interrupted';
    if (code !== 0) return `ended with ${code}`;
    const expected = await readFile(join(root, 'sample', name, 'expected-output.txt'), 'utf8');
    const differs = difference(expected, output);
    return differs && `printed something else than expected-output.txt says.\n${differs}`;
  } finally {
    await backend.close();
    await database.close();
    await nats.close();
    await kafka.close();
  }
}

/** @typedef {{ readonly env: Record<string, string>, readonly close: () => Promise<void> }} Backend */

/** @type {Backend} */
const noServer = { env: {}, close: async () => undefined };

/** Whether a sample reads where a server is. @param {string} name @param {string} variable */
function reads(name, variable) {
  return readFileSync(join(root, 'sample', name, 'main.ts'), 'utf8').includes(variable);
}

/**
 * DATABASE_URL, else a private server, else none.
 *
 * @returns {Promise<Backend>}
 */
async function providePostgres() {
  const url = process.env['DATABASE_URL'];
  if (url) {
    const schema = `sample_${randomBytes(6).toString('hex')}`;
    return { env: { STREAMS_SCHEMA: schema }, close: () => dropSchema(url, schema) };
  }
  if (!postgresBinaries()) {
    console.log('No DATABASE_URL and no PostgreSQL is installed: this runs without PostgreSQL.');
    return noServer;
  }
  const { startPostgres } = await import('../test/support/postgres-process.js');
  const server = await startPostgres();
  const env = { DATABASE_URL: await server.createDatabase('orders') };
  return { env, close: () => server.stop() };
}

/** @param {string} url @param {string} schema */
async function dropSchema(url, schema) {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query(`drop schema if exists ${schema} cascade`);
  await client.end();
}

/**
 * NATS_URL, else a private server, else none.
 *
 * @returns {Promise<Backend>}
 */
async function provideNats() {
  const url = process.env['NATS_URL'];
  if (url) {
    const prefix = `sample-${randomBytes(6).toString('hex')}-`;
    return { env: { NATS_KEY_PREFIX: prefix }, close: () => deleteStreams(url, prefix) };
  }
  const missing = missingNats('floor');
  if (missing !== undefined) {
    console.log(`${missing} This runs without NATS.`);
    return noServer;
  }
  const { startNats } = await import('../test/support/nats-process.js');
  const server = await startNats();
  return { env: { NATS_URL: server.url() }, close: () => server.stop() };
}

/** @param {string} url @param {string} prefix */
async function deleteStreams(url, prefix) {
  const { connect } = await import('@nats-io/transport-node');
  const { jetstreamManager } = await import('@nats-io/jetstream');
  const client = await connect({ servers: url });
  const { streams } = await jetstreamManager(client);
  for (const { config } of await streams.list().next()) {
    if (config.name.includes(prefix)) await streams.delete(config.name);
  }
  await client.close();
}

/**
 * KAFKA_BROKERS, else a private broker, else none.
 *
 * @returns {Promise<Backend>}
 */
async function provideKafka() {
  const given = givenBrokers();
  if (given) {
    const prefix = `sample-${randomBytes(6).toString('hex')}-`;
    return { env: { KAFKA_KEY_PREFIX: prefix }, close: () => deleteTopics(given, prefix) };
  }
  const missing = missingKafka();
  if (missing !== undefined) {
    console.log(`${missing} This runs without Kafka.`);
    return noServer;
  }
  const { startKafka } = await import('../test/support/kafka-process.js');
  const server = await startKafka();
  return { env: { KAFKA_BROKERS: server.brokers.join(',') }, close: () => server.stop() };
}

/** @param {string[]} brokers @param {string} prefix */
async function deleteTopics(brokers, prefix) {
  const { Kafka, logLevel } = await import('kafkajs');
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
  if (topics.length > 0) await admin.deleteTopics({ topics });
  await admin.disconnect();
}

const withoutRedis = { env: { STREAMS_DRIVER: 'memory' }, close: async () => undefined };

/**
 * REDIS_URL, else a private server, else none: the embedded memory driver.
 *
 * @returns {Promise<Backend>}
 */
async function provideRedis() {
  const url = process.env['REDIS_URL'];
  if (url) {
    const prefix = `sample:${randomBytes(6).toString('hex')}:`;
    const close = () => deletePrefix(url, prefix);
    return { env: { REDIS_URL: url, STREAMS_KEY_PREFIX: prefix }, close };
  }
  if (!onPath('redis-server')) {
    console.log(
      'No REDIS_URL and no redis-server on PATH: this runs on the embedded memory driver.',
    );
    return withoutRedis;
  }
  // The samples print what there is to see, and should not print this.
  const server = await startRedis({ args: ['--requirepass', secret('server')] });
  return { env: { REDIS_URL: server.url }, close: () => server.stop() };
}

/** @param {string} url @param {string} prefix */
async function deletePrefix(url, prefix) {
  const { Redis } = await import('ioredis');
  const client = new Redis(url);
  client.on('error', () => undefined);
  await deleteKeys(client, prefix);
  client.disconnect();
}

/**
 * Streams what it prints, and keeps it. An interruption is passed on once, so that the application
 * shuts down in its own way; it is in a group of its own and does not hear the terminal.
 *
 * @param {string} script
 * @param {Record<string, string>} env
 * @param {AbortSignal} signal
 * @returns {Promise<{ code: string | number, output: string }>}
 */
async function runProcess(script, env, signal) {
  const child = spawn(process.execPath, [script], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  const watcher = guard(child);
  const interrupt = () => child.kill('SIGINT');
  signal.addEventListener('abort', interrupt);
  const timer = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  // By way of this process, which may be watching what is printed.
  child.stderr.setEncoding('utf8').on('data', (chunk) => process.stderr.write(chunk));
  const code = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (exitCode, killedBy) => resolve(exitCode ?? killedBy));
  });
  clearTimeout(timer);
  signal.removeEventListener('abort', interrupt);
  watcher.kill();
  return { code, output };
}

/** @param {string} command @param {readonly string[]} args @returns {Promise<void>} */
function execute(command, args) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === 'win32' && command === 'npm';
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`"${[command, ...args].join(' ')}" ended with ${code}`));
    });
  });
}
