// @ts-check
import { drain, NATS_US, NODE_US, RATE } from '../../draining.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'consume()';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'nats-drain',
  title: 'NATS: draining a backlog',
  text: 'Messages of 200 B that wait in a JetStream stream are handled by one process; the handler does nothing. Both read the same stream, each by a durable consumer of its own, and acknowledge each message. `consume()` is the iterator of the client of NATS with its own defaults, in a loop that handles one message after the other.',
  measures: [RATE, NODE_US, NATS_US],

  cases(quick) {
    const total = quick ? 50_000 : 100_000;
    const entrants = [
      { label: BARE, system: 'nats-client', total },
      { label: OURS, system: 'ours-nats', total },
    ];
    return [{ label: '200 B', baseline: BARE, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { work: { total: warmUp ? total / 5 : total } });
  },

  figures([only]) {
    return {
      nats_drain_vs_consume: ratio(only, OURS, BARE, 'rate').median,
      nats_drain_per_second: figure(only, OURS, 'rate').median,
    };
  },
};
