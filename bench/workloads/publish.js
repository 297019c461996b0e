// @ts-check
import { publishFresh } from '../publishing.js';
import { figure, ratio } from '../statistics.js';

const IN_FLIGHT = 1000;
const BATCH = 100;

/** @type {import('../types.js').Workload} */
export default {
  name: 'publish',
  title: 'Publishing',
  text: `One process publishes 200-byte messages with ${IN_FLIGHT} under way at a time; batches hold ${BATCH} messages, ${IN_FLIGHT / BATCH} batches at a time. Nest's Redis transport stores nothing, it publishes to the subscribers that listen.`,
  quick: true,
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    { key: 'serverUs', label: 'Redis µs per message', digits: 1 },
  ],

  cases(quick) {
    const total = quick ? 20_000 : 100_000;
    const few = total / 5;
    const plain = { label: 'XADD', system: 'pool', total };
    const single = [plain, { label: 'ours', system: 'ours', total }];
    const batches = [plain, { label: 'ours', system: 'ours', total, batch: BATCH }];
    if (!quick) {
      single.push({ label: 'nest-redis', system: 'nest-redis', total });
      single.push({ label: 'bullmq', system: 'bullmq', total: few });
      batches.push({ label: 'pipelines', system: 'pool', total, batch: BATCH });
      batches.push({ label: 'bullmq', system: 'bullmq', total: few, batch: BATCH });
    }
    return [
      { label: 'one by one', baseline: 'XADD', entrants: single },
      { label: 'in batches', baseline: 'XADD', entrants: batches },
    ];
  },

  async run(run) {
    const sample = await publishFresh(run, { inFlight: IN_FLIGHT });
    await run.stage.clear();
    return sample;
  },

  figures([single, batches]) {
    return {
      publish_vs_xadd: ratio(single, 'ours', 'XADD', 'rate').median,
      publish_batch_vs_xadd: ratio(batches, 'ours', 'XADD', 'rate').median,
      publish_per_second: figure(single, 'ours', 'rate').median,
      publish_batch_per_second: figure(batches, 'ours', 'rate').median,
    };
  },
};
