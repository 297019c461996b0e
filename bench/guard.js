// @ts-check
/**
 * Compares the ratios of quick runs with the limits in `limits.json`, which leave a generous margin
 * for busy machines. What misses a limit is measured a second time before it fails.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { missingKafka } from '../test/support/kafka-jars.js';
import { missingNats } from '../test/support/nats-binaries.js';
import { isRequired } from '../test/support/required.js';
import { missed, without } from './limits.js';

const all = JSON.parse(readFileSync(new URL('limits.json', import.meta.url), 'utf8'));
const run = fileURLToPath(new URL('run.js', import.meta.url));
/** What features cost. */
const FEATURES = ['--rounds', '3', 'retention', 'dedupe', 'chain', 'ordering', 'hot'];
const POSTGRES = ['--rounds', '3', 'postgres-drain', 'postgres-publish', 'postgres-relay'];
const NATS = ['--rounds', '5', 'nats-drain', 'nats-publish'];
const KAFKA = ['--rounds', '5', 'kafka-drain', 'kafka-publish', 'kafka-memory'];

/** What is measured only where its server is there. In CI it has to be. */
const OPTIONAL = [
  { name: 'NATS', missing: missingNats('floor'), run: NATS, prefix: 'nats_' },
  { name: 'Kafka', missing: missingKafka(), run: KAFKA, prefix: 'kafka_' },
];
const leftOut = OPTIONAL.filter(({ name, missing }) => missing !== undefined && !isRequired(name));
for (const { name, missing } of leftOut) console.log(`${name} is not measured: ${missing}`);
const runs = [[], FEATURES, POSTGRES];
for (const one of OPTIONAL) if (!leftOut.includes(one)) runs.push(one.run);
const limits = leftOut.reduce((left, { prefix }) => without(left, prefix), all);

let problems = missed(measure(), limits);
if (problems.length > 0) {
  console.log(`Measured again, because of: ${problems.join('; ')}`);
  problems = missed(measure(), limits);
}
for (const problem of problems) console.error(`Slower than it was: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** @returns {Record<string, number>} */
function measure() {
  const figures = Object.assign({}, ...runs.map(figuresOf));
  for (const name of Object.keys(limits)) console.log(`${name}: ${figures[name]}`);
  return figures;
}

/**
 * @param {readonly string[]} args
 * @returns {Record<string, number>}
 */
function figuresOf(args) {
  const output = execFileSync(process.execPath, [run, '--quick', '--json', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(output);
}
