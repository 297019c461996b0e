// @ts-check
import { drain, KAFKA_US, NODE_US, RATE } from '../../draining.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'eachMessage';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'kafka-drain',
  title: 'Kafka: draining a backlog',
  text: 'Messages of 200 B that wait in a topic with three partitions are handled by one process; the handler does nothing. Both read the same topic, each with a consumer group of its own. `eachMessage` of KafkaJS handles the messages of a partition one after the other, and commits after each batch.',
  measures: [RATE, NODE_US, KAFKA_US],

  cases(quick) {
    const total = quick ? 150_000 : 300_000;
    const entrants = [
      { label: BARE, system: 'kafkajs', total },
      { label: OURS, system: 'ours-kafka', total },
    ];
    return [{ label: '200 B', baseline: BARE, entrants }];
  },

  async run({ stage, entrant: { system, total = 0 }, warmUp }) {
    return drain(stage, system, { work: { total: warmUp ? total / 5 : total } });
  },

  figures([only]) {
    return {
      kafka_drain_vs_each_message: ratio(only, OURS, BARE, 'rate').median,
      kafka_drain_per_second: figure(only, OURS, 'rate').median,
    };
  },
};
