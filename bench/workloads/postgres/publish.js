// @ts-check
import { createGroup } from '../../backlogs/deliveries.js';
import { POSTGRES_US } from '../../draining.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours-postgres';
const BATCH = 500;
const IN_FLIGHT = 500;

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
    const few = total / 5;
    const entrants = (/** @type {number} */ of, /** @type {number} */ batch) => [
      { label: 'INSERT', system: 'pg-loop', total: of, batch },
      { label: 'ours', system: OURS, total: of, batch },
      { label: 'pg-boss', system: 'pg-boss', total: of / 2, batch },
    ];
    return [
      { label: `by ${BATCH}`, baseline: 'INSERT', entrants: entrants(total, BATCH) },
      { label: 'one by one', baseline: 'INSERT', entrants: entrants(few, 1) },
    ];
  },

  async run({ stage, entrant: { label, system, total = 0, batch }, warmUp }) {
    const messages = warmUp ? total / 5 : total;
    const stream = stage.freshName('bench');
    const server = await stage.postgres();
    const { url, client } = server;
    const child = await stage.child(system);
    if (system === OURS) await createGroup(client, stream);
    await child.call('connect', { url, stream });
    const cpuBefore = await server.cpu();
    const options = { total: messages, size: 200, inFlight: IN_FLIGHT, batch };
    const { took, cpu } = await child.call('publish', options);
    const serverUs = ((await server.cpu()) - cpuBefore) / messages;
    await child.call('disconnect');
    const found = await stage.backlog(system).published(client, { stream, total: messages });
    if (found !== messages) throw new Error(`${label} published ${found} of ${messages} messages`);
    return { rate: messages / (took / 1000), nodeUs: cpu / messages, serverUs };
  },

  figures([batches, single]) {
    return {
      postgres_publish_batch_vs_insert: ratio(batches, 'ours', 'INSERT', 'rate').median,
      postgres_publish_vs_insert: ratio(single, 'ours', 'INSERT', 'rate').median,
      postgres_publish_batch_per_second: figure(batches, 'ours', 'rate').median,
      postgres_publish_per_second: figure(single, 'ours', 'rate').median,
    };
  },
};
