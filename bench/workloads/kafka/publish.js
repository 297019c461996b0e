// @ts-check
import { KAFKA_US } from '../../draining.js';
import { BATCH, IN_FLIGHT, publishFresh, publishingCases } from '../../publishing.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'producer';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'kafka-publish',
  title: 'Kafka: publishing',
  text: `One process publishes 200-byte messages to a topic with three partitions, and awaits the broker's answer: by ${BATCH}, one batch after the other, and one by one with ${IN_FLIGHT} under way at a time. Of KafkaJS a batch is one \`producer.sendBatch()\`, and a single message one \`producer.send()\`, which is a request of its own; its producer is not idempotent, ours is.`,
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'nodeUs', label: 'Node µs per message', digits: 1 },
    KAFKA_US,
  ],

  cases(quick) {
    const total = quick ? 40_000 : 100_000;
    return publishingCases(BARE, (batch) => [
      { label: BARE, system: 'kafkajs', total: batch > 1 ? total : total / 4, batch },
      { label: OURS, system: 'ours-kafka', total, batch },
    ]);
  },

  run: (run) => publishFresh(run),

  figures([batches, single]) {
    return {
      kafka_publish_batch_vs_producer: ratio(batches, OURS, BARE, 'rate').median,
      kafka_publish_vs_producer: ratio(single, OURS, BARE, 'rate').median,
      kafka_publish_batch_per_second: figure(batches, OURS, 'rate').median,
      kafka_publish_per_second: figure(single, OURS, 'rate').median,
    };
  },
};
