// @ts-check
/**
 * Runs a sample by its number, or with `--all` every one. Ends with 0 only if the sample did, and
 * printed what its expected-output.txt says.
 */
import { listSamples, runSamples } from './sample-runner.js';

const [wanted] = process.argv.slice(2);
const names = listSamples();
const chosen = wanted === '--all' ? names : names.filter((name) => isWanted(name));

if (chosen.length === 0) {
  console.error(`Usage: npm run sample <number>\n\n${names.map((name) => `  ${name}`).join('\n')}`);
  process.exit(1);
}
const { passed, failed } = await runSamples(chosen);
if (wanted === '--all') console.log(`\n${passed} samples did what they should, ${failed} did not.`);
process.exitCode = failed === 0 ? 0 : 1;

/** @param {string} name */
function isWanted(name) {
  return name === wanted || Number.parseInt(name, 10) === Number(wanted);
}
