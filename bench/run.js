// @ts-check
/**
 * Measures the library against the bare client and against its peers.
 *
 *   run.js [workload…]      all workloads but the long ones, or those named
 *     --quick               the main figures, in less than a minute
 *     --rounds N            default 5
 *     --json                one JSON object on stdout, instead of tables
 *     --write               tables and plots into docs/, the short table into README.md;
 *                           of named workloads, their own sections only
 *     --profile DIR         a CPU profile of each process, by the name of its system
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freshBuild } from './fresh-build.js';
import { asJson } from './report/json.js';
import { asText } from './report/text.js';
import { writeDocs, writeSections } from './report/write.js';
import { measure } from './rounds.js';
import { Stage } from './stage.js';
import { surroundings } from './surroundings.js';
import { workloads } from './workloads/all.js';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  await main();
} catch (error) {
  console.error(`The bench failed. ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  const { quick, json, write, profile } = values;
  const rounds = Number(values.rounds);
  if (!(rounds >= 1)) throw new Error('--rounds takes a number of at least 1');
  const chosen = choose(positionals, quick);
  freshBuild(root);
  const stage = await Stage.open({ quick, rounds, profile, log });
  try {
    const results = [];
    for (const workload of chosen) results.push(await measure(workload, stage));
    const about = { ...(await surroundings(root, stage)), quick, rounds };
    if (write) await (positionals.length > 0 ? writeSections : writeDocs)(root, about, results);
    console.log(json ? JSON.stringify(asJson(about, results), null, 2) : asText(about, results));
  } finally {
    await stage.close();
  }
}

/** @param {readonly string[]} names @param {boolean} quick */
function choose(names, quick) {
  const known = workloads.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown) throw new Error(`No workload is called ${unknown}. There are ${known.join(', ')}`);
  return workloads.filter((workload) =>
    names.length > 0 ? names.includes(workload.name) : isUsual(workload, quick),
  );
}

/** @param {import('./types.js').Workload} workload @param {boolean} quick */
function isUsual(workload, quick) {
  return quick ? workload.quick : !workload.long;
}

/** Progress; stdout is for the result. @param {string} line */
function log(line) {
  console.error(`${(performance.now() / 1000).toFixed(1).padStart(6)} s  ${line}`);
}
