// @ts-check
import { drain, NODE_US, POSTGRES_US, RATE } from '../../draining.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const LOOP = 'pg-loop';
const BOSS = 'pg-boss';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'postgres-drain',
  title: 'PostgreSQL: draining a backlog',
  text: 'Messages of 200 B that wait in PostgreSQL are handled by one process; the handler does nothing. The server keeps every commit (fsync and synchronous_commit are on). The loop claims 100 rows of one table by FOR UPDATE SKIP LOCKED, and deletes them by one statement. pg-boss gets batches of 100, too; each of its fetches sorts what waits, so it is slower the more messages wait.',
  measures: [RATE, NODE_US, POSTGRES_US],

  cases(quick) {
    const total = quick ? 10_000 : 30_000;
    const entrants = [LOOP, OURS, BOSS].map((label) => ({
      label,
      system: label === OURS ? 'ours-postgres' : label,
      total,
    }));
    return [{ label: '200 B', baseline: LOOP, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { work: { total: warmUp ? total / 5 : total } });
  },

  figures([only]) {
    return {
      postgres_drain_vs_loop: ratio(only, OURS, LOOP, 'rate').median,
      postgres_drain_vs_pg_boss: ratio(only, OURS, BOSS, 'rate').median,
      postgres_drain_per_second: figure(only, OURS, 'rate').median,
    };
  },
};
