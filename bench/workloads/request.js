// @ts-check
import { figure, ratio } from '../statistics.js';

/** @type {import('../types.js').Workload} */
export default {
  name: 'request',
  title: 'Requests',
  text: "One process sends 200-byte requests, another one answers each with its payload. Nest's Redis transport stores nothing: a request, or an answer, without a listener is gone.",
  quick: true,
  measures: [
    { key: 'rate', label: 'requests/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per request, who asks', digits: 1 },
    { key: 'serverUs', label: 'Redis µs per request', digits: 1 },
  ],

  cases(quick) {
    const entrantsOf = (/** @type {number} */ total) =>
      ['nest-redis', 'ours'].map((system) => ({ label: system, system, total }));
    const share = quick ? 1 : 5;
    return [
      {
        label: '100 in flight',
        baseline: 'nest-redis',
        inFlight: 100,
        entrants: entrantsOf(3000 * share),
      },
      {
        label: 'one at a time',
        baseline: 'nest-redis',
        inFlight: 1,
        entrants: entrantsOf(400 * share),
      },
    ];
  },

  async run({ stage, case: { inFlight = 1 }, entrant: { system, total = 0 }, warmUp }) {
    const options = { url: stage.url, pattern: stage.freshName('request') };
    const [asking, answering] = await Promise.all([stage.child(system), stage.child(system, 1)]);
    await answering.call('serve', options);
    await asking.call('ask', options);
    await asking.call('publish', { total: warmUp ? 5000 : 100, size: 200, inFlight: 100 });
    const cpuBefore = await stage.redisCpu();
    const requests = warmUp ? total / 2 : total;
    const { took, cpu } = await asking.call('publish', { total: requests, size: 200, inFlight });
    const serverUs = ((await stage.redisCpu()) - cpuBefore) / total;
    await asking.call('disconnect');
    await answering.call('unserve');
    return { rate: total / (took / 1000), nodeUs: cpu / total, serverUs };
  },

  figures([crowd, single]) {
    return {
      request_vs_nest_redis: ratio(crowd, 'ours', 'nest-redis', 'rate').median,
      request_sequential_vs_nest_redis: ratio(single, 'ours', 'nest-redis', 'rate').median,
      request_per_second: figure(crowd, 'ours', 'rate').median,
      request_sequential_per_second: figure(single, 'ours', 'rate').median,
    };
  },
};
