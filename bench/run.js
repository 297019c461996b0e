// @ts-check
/**
 * Measures the library against the bare client and against its peers.
 *
 *   run.js [workload…]      all workloads, or those named
 *     --quick               the main figures, in less than a minute
 *     --rounds N            default 5
 *     --json                one JSON object on stdout, instead of tables
 *     --write               tables and plots into docs/, the short table into README.md
 *     --profile DIR         a CPU profile of each process, by the name of its system
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freshBuild } from './fresh-build.js';
import { asJson } from './report/json.js';
import { asText } from './report/text.js';
import { writeDocs } from './report/write.js';
import { measure } from './rounds.js';
import { Stage } from './stage.js';
import { surroundings } from './surroundings.js';
import { workloads } from './workloads/all.js';

const root = fileURLToPath(new URL('..', import.meta.url));

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});

const unknown = names.filter((name) => !workloads.some((workload) => workload.name === name));
if (unknown.length > 0) {
  const known = workloads.map(({ name }) => name).join(', ');
  throw new Error(`No workload is called ${unknown.join(' or ')}. There are: ${known}`);
}
if (options.write && names.length > 0) {
  throw new Error('--write replaces all tables, so it takes a run of all workloads');
}

freshBuild(root);
const { quick } = options;
const stage = await Stage.open({
  quick,
  rounds: Number(options.rounds ?? 5),
  profile: options.profile,
  log: (line) => console.error(`${performance.now().toFixed(0).padStart(7)} ms  ${line}`),
});
try {
  const results = await measureAll();
  const about = { ...(await surroundings(root, stage.redis)), ...stage.settings };
  if (options.write) await writeDocs(root, about, results);
  const shown = options.json
    ? JSON.stringify(asJson(about, results), null, 2)
    : asText(about, results);
  console.log(shown);
} catch (error) {
  console.error(`The bench failed. ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await stage.close();
}

async function measureAll() {
  const chosen = workloads.filter(({ name, quick: short }) =>
    names.length > 0 ? names.includes(name) : short || !quick,
  );
  const results = [];
  for (const workload of chosen) results.push(await measure(workload, stage));
  return results;
}
