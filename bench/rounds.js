// @ts-check
/**
 * Measures all cases of a workload. Within a round the entrants run one after the other, and every
 * other round in the opposite order, so that the machine's drift hits all of them alike.
 *
 * @param {import('./types.js').Workload} workload
 * @param {import('./stage.js').Stage} stage
 * @returns {Promise<import('./types.js').WorkloadResult>}
 */
export async function measure(workload, stage) {
  const { quick, log } = stage.settings;
  const rounds = Math.min(stage.settings.rounds, workload.mostRounds ?? Infinity);
  const results = [];
  for (const one of workload.cases(quick)) {
    const samples = new Map(one.entrants.map((entrant) => [entrant, emptyList()]));
    const run = (/** @type {import('./types.js').Entrant} */ entrant, warmUp = false) =>
      workload.run({ stage, case: one, entrant, warmUp });
    try {
      if (!workload.cold) for (const entrant of one.entrants) await run(entrant, true);
      for (let round = 0; round < rounds; round++) {
        const order = round % 2 === 0 ? one.entrants : [...one.entrants].reverse();
        for (const entrant of order) {
          const sample = await run(entrant);
          samples.get(entrant)?.push(sample);
          log(
            `${workload.name}, ${one.label}, ${round + 1}/${rounds}, ${entrant.label}: ${inWords(sample)}`,
          );
        }
      }
    } catch (error) {
      throw new Error(
        `${workload.name}, ${one.label}: ${error instanceof Error ? error.message : error}`,
        { cause: error },
      );
    } finally {
      await stage.clear();
    }
    const entrants = [...samples].map(([{ label, system }, list]) => ({
      label,
      system,
      samples: list,
    }));
    results.push({ label: one.label, baseline: one.baseline, entrants });
  }
  return { workload, cases: results };
}

/** @returns {import('./types.js').Sample[]} */
function emptyList() {
  return [];
}

/** @param {import('./types.js').Sample} sample */
function inWords(sample) {
  const short = (/** @type {number} */ value) => Number(value.toPrecision(4));
  return Object.entries(sample)
    .map(([key, value]) => `${key} ${short(value)}`)
    .join(', ');
}
