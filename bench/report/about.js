// @ts-check

/** @param {import('../types.js').About} about */
export function aboutInWords({ date, machine, versions, rounds, quick }) {
  const { cpu, cores, memoryGb, system } = machine;
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return (
    `Measured on ${date}, ${quick ? 'quickly, ' : ''}medians of ${rounds} interleaved rounds (lowest to highest), ` +
    `on ${cores} cores of ${cpu}, ${memoryGb} GB, ${system}, with ${packages.join(', ')}.`
  );
}
