// @ts-check
import { NATS_US } from '../../draining.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'js.publish()';
const BATCH = 500;
const IN_FLIGHT = 500;

/** @type {import('../../types.js').Workload} */
export default {
  name: 'nats-publish',
  title: 'NATS: publishing',
  text: `One process publishes 200-byte messages to a JetStream stream, and awaits the answer of the server to each: by ${BATCH}, one batch after the other, and one by one with ${IN_FLIGHT} under way at a time. Of the client of NATS a batch is ${BATCH} calls of \`js.publish()\` that are awaited together.`,
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    NATS_US,
  ],

  cases(quick) {
    const total = quick ? 20_000 : 60_000;
    const entrants = (/** @type {number} */ batch) => [
      { label: BARE, system: 'nats-client', total, batch },
      { label: OURS, system: 'ours-nats', total, batch },
    ];
    return [
      { label: `by ${BATCH}`, baseline: BARE, entrants: entrants(BATCH) },
      { label: 'one by one', baseline: BARE, entrants: entrants(1) },
    ];
  },

  async run({ stage, entrant: { label, system, total = 0, batch }, warmUp }) {
    const messages = warmUp ? total / 5 : total;
    const stream = stage.freshName('bench');
    const server = await stage.nats();
    const { url, client } = server;
    const child = await stage.child(system);
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
      nats_publish_batch_vs_client: ratio(batches, OURS, BARE, 'rate').median,
      nats_publish_vs_client: ratio(single, OURS, BARE, 'rate').median,
      nats_publish_batch_per_second: figure(batches, OURS, 'rate').median,
      nats_publish_per_second: figure(single, OURS, 'rate').median,
    };
  },
};
