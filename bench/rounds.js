// @ts-check

/** @typedef {import('./types.js').Workload} Workload */
/** @typedef {import('./types.js').Case} Case */
/** @typedef {import('./types.js').Entrant} Entrant */
/** @typedef {import('./types.js').Sample} Sample */
/** @typedef {import('./stage.js').Stage} Stage */

/**
 * Measures all cases of a workload.
 *
 * @param {Workload} workload
 * @param {Stage} stage
 * @returns {Promise<import('./types.js').WorkloadResult>}
 */
export async function measure(workload, stage) {
  const cases = [];
  try {
    for (const one of workload.cases(stage.settings.quick)) {
      cases.push(await measureCase(workload, one, stage));
      await stage.clear();
    }
  } finally {
    await stage.dismiss();
  }
  return { workload, cases };
}

/**
 * Within a round the entrants run one after the other, and every other round in the opposite order,
 * so that the machine's drift hits all of them alike.
 *
 * @param {Workload} workload
 * @param {Case} one
 * @param {Stage} stage
 */
async function measureCase(workload, one, stage) {
  const { log } = stage.settings;
  const rounds = Math.min(stage.settings.rounds, workload.mostRounds ?? Infinity);
  const samples = one.entrants.map(() => /** @type {Sample[]} */ ([]));
  const run = (/** @type {Entrant} */ entrant, warmUp = false) =>
    workload.run({ stage, case: one, entrant, warmUp }).catch((error) => {
      throw new Error(`${workload.name}, ${one.label}: ${error.message}`, { cause: error });
    });
  await Promise.all(one.entrants.map(({ system }) => stage.child(system)));
  if (!workload.cold) for (const entrant of one.entrants) await run(entrant, true);
  for (let round = 0; round < rounds; round++) {
    const order = [...one.entrants.keys()];
    if (round % 2 === 1) order.reverse();
    for (const at of order) {
      const entrant = /** @type {Entrant} */ (one.entrants[at]);
      const sample = await run(entrant);
      samples[at]?.push(sample);
      const where = `${workload.name}, ${one.label}, ${round + 1}/${rounds}, ${entrant.label}`;
      log(`${where}: ${inWords(sample)}`);
    }
  }
  const entrants = one.entrants.map(({ label, system }, at) => ({
    label,
    system,
    samples: samples[at] ?? [],
  }));
  return { label: one.label, baseline: one.baseline, entrants };
}

/** @param {Sample} sample */
function inWords(sample) {
  const short = (/** @type {number} */ value) => Number(value.toPrecision(4));
  return Object.entries(sample)
    .map(([key, value]) => `${key} ${short(value)}`)
    .join(', ');
}
