// @ts-check
import { drain, NODE_US, RATE, REDIS_US } from '../draining.js';
import { ratio } from '../statistics.js';

const OFF = 'off';
const ON = 'commits';
const FOLLOWED = 'commits, followed';

/** @type {import('../types.js').Workload} */
export default {
  name: 'commits',
  title: 'What a record of the position costs',
  text: 'Draining a backlog by one process, with a handler that does nothing: without the option `commits`, with it and a record every second, and the same where the engine follows each entry, as it does for a message source that cannot tell how far a group is. Relative to no records.',
  measures: [RATE, NODE_US, REDIS_US],

  cases() {
    const entrants = [
      { label: OFF, system: 'ours' },
      { label: ON, system: 'ours-committing' },
      { label: FOLLOWED, system: 'ours-following' },
    ].map((entrant) => ({ ...entrant, total: 300_000 }));
    return [{ label: '200 B', baseline: OFF, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { work: { total: warmUp ? total / 5 : total } });
  },

  figures([only]) {
    return {
      commits_drain: ratio(only, ON, OFF, 'rate').median,
      commits_followed_drain: ratio(only, FOLLOWED, OFF, 'rate').median,
    };
  },
};
