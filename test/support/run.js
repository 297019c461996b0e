// @ts-check
/**
 * The test command.
 *
 *   run.js                      build, typecheck, lint, all samples, and all tests but those in test/faults
 *   run.js faults               build, then the tests in test/faults, which take longer than all others:
 *                               they kill processes, start clusters, and send millions of messages
 *   run.js unit                 likewise the other groups
 *   run.js unit routing -t x    a file filter and options for vitest after the group
 *   run.js --list-skipped       names each test that was not run, else one line for each reason
 *
 * The last lines name each failure, then say `N passed, N failed`. All that is printed is searched for the secrets of the suite;
 * one that shows is a failure.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { allRuns, runSamples } from '../../sample/sample-runner.js';
import { ensureKafka } from './ensure-kafka.js';
import { ensureNats } from './ensure-nats.js';
import { ensurePostgres } from './ensure-postgres.js';
import { ensureRabbitMq } from './ensure-rabbitmq.js';
import { ensureRedis } from './ensure-redis.js';
import { failureLines, notRunLines } from './run-report.js';
import { isRequired, isSet } from './required.js';
import { leakText, SecretWatch } from './secret-watch.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** What a run without a name of a group runs. */
const PROJECTS = ['unit', 'contracts', 'integration', 'e2e', 'docs'];
const GROUPS = [...PROJECTS, 'faults', 'samples'];
/** In CI, so many failures are tried once more. With more of them it is not the machine. */
const MOST_TRIED_AGAIN = 3;
/** What a process that has ended may leave in its pipes is waited for so long, ms. */
const REST_OF_OUTPUT = 2000;

/** @import { Counts } from './run-report.js' */

const started = Date.now();
const LIST_SKIPPED = '--list-skipped';
const given = process.argv.slice(2);
const args = given.filter((arg) => arg !== LIST_SKIPPED);
const firstOption = args.findIndex((arg) => !GROUPS.includes(arg));
const groups = firstOption < 0 ? args : args.slice(0, firstOption);
const forwarded = firstOption < 0 ? [] : args.slice(firstOption);

const watches = [watched(process.stdout, 'stdout'), watched(process.stderr, 'stderr')];
let interrupted = false;
/** @type {import('node:child_process').ChildProcess | undefined} */
let running;
// A Ctrl-C reaches the children by itself; we stay to say how it went.
process.on('SIGINT', () => (interrupted = true));
process.on('SIGTERM', () => {
  interrupted = true;
  running?.kill('SIGTERM');
});
conclude(await run());

/** @returns {Promise<Counts>} */
async function run() {
  const needsServers = groups.length === 0 || groups.some((group) => group !== 'unit');
  if (needsServers && !(ensureRedis() && ensurePostgres())) return stopped('No test was run.');
  const missing = needsServers ? { NATS: ensureNats(), Kafka: await ensureKafka() } : {};
  const rabbitMq = groups.length === 0 || groups.includes('docs') ? ensureRabbitMq() : undefined;
  const narrowed = args.length > 0;
  for (const step of narrowed ? ['build'] : ['build', 'typecheck', 'lint']) {
    if (!(await npmRun(step))) return stopped(`"npm run ${step}" failed, so no test was run.`);
  }
  await rabbitMq;
  const chosen = groups.length === 0 ? PROJECTS : groups.filter((group) => group !== 'samples');
  const tests = chosen.length === 0 ? none() : await withSecondTry(chosen, await vitest(chosen));
  if (interrupted) return { ...tests, failed: tests.failed || 1 };
  const samples = !narrowed || groups.includes('samples') ? await runSamples(allRuns()) : none();
  return {
    passed: tests.passed + samples.passed,
    failed: tests.failed + samples.failed + leftOut(missing),
    skipped: tests.skipped,
    notRun: tests.notRun,
    failures: tests.failures,
    unstable: tests.unstable,
  };
}

/** How many failures it is that servers are missing. @param {Record<string, string | undefined>} missing why, by name */
function leftOut(missing) {
  const names = Object.keys(missing).filter((name) => missing[name] && isRequired(name));
  for (const name of names) {
    console.error(`\nCI is set, and tests of ${name} were not run, which counts as one failure.`);
    console.error(`ALLOW_MISSING_${name.toUpperCase()}=1 allows it.`);
  }
  return names.length;
}

/** @param {string} step */
async function npmRun(step) {
  const began = Date.now();
  console.log(`\n> ${step}`);
  const code = await exitCode('npm', ['run', '--silent', step]);
  console.log(`${step} ${code === 0 ? 'done' : 'FAILED'} in ${seconds(began)}`);
  return code === 0;
}

/**
 * In CI the files of a few failures run once more, by themselves: its machine is shared. What passes
 * then is named as unstable, which is a defect to be found, but does not fail the run.
 * @param {readonly string[]} projects
 * @param {Counts} first
 * @returns {Promise<Counts>}
 */
async function withSecondTry(projects, first) {
  const failures = first.failures ?? [];
  const isWorthIt = first.failed > 0 && first.failed <= MOST_TRIED_AGAIN;
  if (interrupted || !isSet('CI') || !isWorthIt || failures.length !== first.failed) return first;
  const files = [...new Set(failures.map(({ file }) => file))];
  console.log(`\nOnce more, by themselves: ${files.join(', ')}`);
  const second = await vitest(projects, files);
  if (second.failed > 0) return first;
  const unstable = failures.filter(({ name }) => name !== '').length;
  return { ...first, passed: first.passed + unstable, failed: 0, unstable: failures, failures: [] };
}

/**
 * @param {readonly string[]} projects
 * @param {readonly string[]} [filters] a filter of files, and options
 * @returns {Promise<Counts>}
 */
async function vitest(projects, filters = forwarded) {
  const dir = await mkdtemp(join(tmpdir(), 'streams-report-'));
  const report = join(dir, 'report.json');
  const parameters = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    // Further projects of a group have its name before theirs, see vitest.config.ts.
    ...projects.flatMap((project) => [`--project=${project}`, `--project=${project}-*`]),
    '--reporter=default',
    `--reporter=${fileURLToPath(new URL('run-report.js', import.meta.url))}`,
    ...filters,
  ];
  const code = await exitCode(process.execPath, parameters, { TEST_REPORT: report });
  const counts = await readFile(report, 'utf8').then(JSON.parse, none);
  await rm(dir, { recursive: true, force: true });
  // Errors outside of any test, a crash, or no test at all.
  return code === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

/** @returns {Counts} */
function none() {
  return { passed: 0, failed: 0, skipped: 0 };
}

/** @param {string} why @returns {Counts} */
function stopped(why) {
  console.error(`\n${why}`);
  return { passed: 0, failed: 1, skipped: 0 };
}

/** @param {NodeJS.WriteStream} out @param {string} name */
function watched(out, name) {
  const watch = new SecretWatch(name);
  const write = out.write.bind(out);
  // Whole characters come by here: children are read as text.
  out.write = (/** @type {string | Uint8Array} */ chunk, /** @type {any[]} */ ...rest) => {
    watch.take(String(chunk));
    return write(chunk, ...rest);
  };
  return watch;
}

/** @param {Counts} counts */
function conclude({ passed, failed, skipped, notRun = [], failures = [], unstable = [] }) {
  const leaks = watches.flatMap((watch) => watch.end());
  for (const leak of leaks) console.error(leakText(leak));
  failed += leaks.length;
  // Those that a filter (-t) leaves out give no reason.
  const meant = forwarded.includes('-t') ? notRun.filter(({ reason }) => reason) : notRun;
  for (const line of notRunLines(meant, given.includes(LIST_SKIPPED))) console.log(line);
  for (const line of failureLines(failures)) console.log(line);
  for (const line of failureLines(unstable, 'Unstable, passed by itself')) console.log(line);
  if (passed + failed === 0) console.error('\nNo test was run.');
  console.log(`\nTotal time ${seconds(started)}`);
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exit(passed > 0 && failed === 0 ? 0 : 1);
}

/**
 * @param {string} command
 * @param {readonly string[]} parameters
 * @param {Record<string, string>} [more] environment variables besides those of this process
 * @returns {Promise<number>}
 */
function exitCode(command, parameters, more = {}) {
  return new Promise((resolve) => {
    const shell = process.platform === 'win32' && command === 'npm';
    const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
    const env = { ...colour, ...process.env, ...more };
    const child = spawn(command, parameters, {
      cwd: root,
      stdio: ['inherit', 'pipe', 'pipe'],
      shell,
      env,
    });
    running = child;
    child.stdout.setEncoding('utf8').on('data', (text) => process.stdout.write(text));
    child.stderr.setEncoding('utf8').on('data', (text) => process.stderr.write(text));
    child.once('error', (error) => (console.error(error.message), resolve(1)));
    child.once('close', (code) => resolve(code ?? 1));
    // Others may hold its pipes.
    child.once('exit', (code) => setTimeout(() => resolve(code ?? 1), REST_OF_OUTPUT).unref());
  });
}

/** @param {number} since */
function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
