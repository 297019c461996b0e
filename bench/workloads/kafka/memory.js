// @ts-check
import { MEMORY, memoryCurve, STEP } from '../../memory-curve.js';
import { figure } from '../../statistics.js';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'kafka-memory',
  title: 'Kafka: memory',
  text: 'Resident memory of a consumer that has just started, while it drains 1,000,000 messages of 200 B from a topic with three partitions (300,000 in a quick run). Flat means that nothing is kept.',
  cold: true,
  mostRounds: 1,
  measures: MEMORY,

  cases(quick) {
    const total = quick ? 3 * STEP : 10 * STEP;
    const entrants = [
      { label: 'eachMessage', system: 'kafkajs', total },
      { label: 'ours', system: 'ours-kafka', total },
    ];
    return [{ label: '200 B', baseline: 'eachMessage', entrants }];
  },

  run: memoryCurve,

  figures([only]) {
    return {
      kafka_peak_mb: figure(only, 'ours', 'peakMb').max,
      kafka_growth_mb: figure(only, 'ours', 'grownMb').max,
    };
  },
};
