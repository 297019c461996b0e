// @ts-check
/**
 * Compares the ratios of quick runs with the limits in `limits.json`, which leave a generous margin
 * for busy machines. What misses a limit is measured a second time before it fails.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { missingNats } from '../test/support/nats-binaries.js';
import { isRequired } from '../test/support/required.js';
import { missed, without } from './limits.js';

const all = JSON.parse(readFileSync(new URL('limits.json', import.meta.url), 'utf8'));
const run = fileURLToPath(new URL('run.js', import.meta.url));
/** What features cost. */
const FEATURES = ['--rounds', '3', 'retention', 'dedupe', 'chain', 'ordering', 'hot'];
const POSTGRES = ['--rounds', '3', 'postgres-drain', 'postgres-publish', 'postgres-relay'];
const NATS = ['--rounds', '5', 'nats-drain', 'nats-publish'];

/** Why NATS is not measured, where it need not be. */
const withoutNats = isRequired('NATS') ? undefined : missingNats('floor');
if (withoutNats !== undefined) console.log(`NATS is not measured: ${withoutNats}`);
const limits = withoutNats === undefined ? all : without(all, 'nats_');

let problems = missed(measure(), limits);
if (problems.length > 0) {
  console.log(`Measured again, because of: ${problems.join('; ')}`);
  problems = missed(measure(), limits);
}
for (const problem of problems) console.error(`Slower than it was: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;

/** @returns {Record<string, number>} */
function measure() {
  const runs = [[], FEATURES, POSTGRES, ...(withoutNats === undefined ? [NATS] : [])];
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
