// @ts-check
import { NATS_US } from '../../draining.js';
import { BATCH, IN_FLIGHT, publishFresh, publishingCases } from '../../publishing.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'js.publish()';

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
    return publishingCases(BARE, (batch) => [
      { label: BARE, system: 'nats-client', total, batch },
      { label: OURS, system: 'ours-nats', total, batch },
    ]);
  },

  run: (run) => publishFresh(run),

  figures([batches, single]) {
    return {
      nats_publish_batch_vs_client: ratio(batches, OURS, BARE, 'rate').median,
      nats_publish_vs_client: ratio(single, OURS, BARE, 'rate').median,
      nats_publish_batch_per_second: figure(batches, OURS, 'rate').median,
      nats_publish_per_second: figure(single, OURS, 'rate').median,
    };
  },
};
