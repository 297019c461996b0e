// @ts-check
import { createGroup } from '../../backlogs/deliveries.js';
import { POSTGRES_US } from '../../draining.js';
import { BATCH, IN_FLIGHT, publishFresh, publishingCases } from '../../publishing.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours-postgres';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'postgres-publish',
  title: 'PostgreSQL: publishing',
  text: `One process publishes 200-byte messages: by ${BATCH}, one batch after the other, and one by one with ${IN_FLIGHT} under way at a time. INSERT writes them into one table, by one statement for each batch. Ours writes the message, and a row for the group of its stream.`,
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    POSTGRES_US,
  ],

  cases(quick) {
    const total = quick ? 30_000 : 100_000;
    return publishingCases('INSERT', (batch) => {
      const of = batch > 1 ? total : total / 5;
      return [
        { label: 'INSERT', system: 'pg-loop', total: of, batch },
        { label: 'ours', system: OURS, total: of, batch },
        { label: 'pg-boss', system: 'pg-boss', total: of / 2, batch },
      ];
    });
  },

  run: (run) => publishFresh(run, run.entrant.system === OURS ? { prepare: createGroup } : {}),

  figures([batches, single]) {
    return {
      postgres_publish_batch_vs_insert: ratio(batches, 'ours', 'INSERT', 'rate').median,
      postgres_publish_vs_insert: ratio(single, 'ours', 'INSERT', 'rate').median,
      postgres_publish_batch_per_second: figure(batches, 'ours', 'rate').median,
      postgres_publish_per_second: figure(single, 'ours', 'rate').median,
    };
  },
};
