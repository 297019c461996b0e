// @ts-check
/**
 * Runs a sample by its number, or with `--all` every one. Ends with 0 only if the sample did, and
 * printed what its expected-output.txt says.
 */
import { allRuns, listSamples, runSamples } from './sample-runner.js';

const [wanted] = process.argv.slice(2);
const runs =
  wanted === '--all'
    ? allRuns()
    : listSamples()
        .filter(isWanted)
        .map((name) => ({ name }));

if (runs.length === 0) {
  const lines = listSamples().map((name) => `  ${name}`);
  console.error(`Usage: npm run sample <number>\n\n${lines.join('\n')}`);
  process.exit(1);
}
const { passed, failed } = await runSamples(runs);
if (wanted === '--all') console.log(`\n${passed} did what they should, ${failed} did not.`);
process.exitCode = failed === 0 ? 0 : 1;

/** @param {string} name */
function isWanted(name) {
  return name === wanted || Number.parseInt(name, 10) === Number(wanted);
}
