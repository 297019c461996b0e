// @ts-check
import { consumeAll } from '../consuming.js';
import { figure } from '../statistics.js';

const MINUTES = 10;
const RATE = 2000;
const SAMPLES = 20;

/** @type {import('../types.js').Workload} */
export default {
  name: 'soak',
  title: `${MINUTES} minutes of mixed load`,
  text: `One process publishes ${RATE} messages of 200 B a second for ${MINUTES} minutes, another one handles them; the first run of every 10th message fails. Resident memory of the consumer, from the first tenth on.`,
  cold: true,
  long: true,
  mostRounds: 1,
  measures: [
    { key: 'peakMb', label: 'peak MB' },
    { key: 'grownMb', label: 'MB grown after the first minute', digits: 1 },
  ],

  cases(quick) {
    const total = RATE * (quick ? 20 : MINUTES * 60);
    return [
      {
        label: '10 % fail',
        baseline: 'ours',
        entrants: [{ label: 'ours', system: 'ours', total }],
      },
    ];
  },

  async run({ stage, entrant: { system, total = 0 } }) {
    const stream = stage.freshName('bench');
    const producer = await stage.child(system, 1);
    await producer.call('connect', { url: stage.url, stream });
    const work = { total, failEvery: 10, memoryEvery: total / SAMPLES };
    const { peakMb, reports } = await consumeAll(stage, system, { streams: [stream], work }, () =>
      producer.call('pace', { total, size: 200, rate: RATE }),
    );
    await producer.call('disconnect');
    const steps = reports[0]?.memory ?? [];
    const curve = steps.map((mb, index) => [`mbAfter${index + 1}`, mb]);
    const grownMb = (steps.at(-1) ?? NaN) - (steps[SAMPLES / 10 - 1] ?? NaN);
    return { peakMb, grownMb, ...Object.fromEntries(curve) };
  },

  figures([only]) {
    return { soak_growth_mb: figure(only, 'ours', 'grownMb').max };
  },
};
