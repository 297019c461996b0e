// @ts-check
import { LATENCIES, latenciesOf } from '../../latencies.js';
import { figure, ratio } from '../../statistics.js';

const OURS = 'ours';
const BARE = 'eachMessage';

/** @type {import('../../types.js').Workload} */
export default {
  name: 'kafka-latency',
  title: 'Kafka: latency',
  text: 'From just before a message is published in one process until its handler begins in another one, at a steady rate. `eachMessage` and `producer.send()` are those of KafkaJS.',
  measures: LATENCIES,

  cases(quick) {
    return (quick ? [200] : [1000, 200]).map((rate) => ({
      label: `${rate}/s`,
      baseline: BARE,
      rate,
      entrants: [
        { label: BARE, system: 'kafkajs', total: (quick ? 3 : 5) * rate },
        { label: OURS, system: 'ours-kafka', total: (quick ? 3 : 5) * rate },
      ],
    }));
  },

  run: (run) => latenciesOf(run),

  figures([first]) {
    return {
      kafka_latency_p50_vs_each_message: ratio(first, OURS, BARE, 'p50').median,
      kafka_latency_p50_ms: figure(first, OURS, 'p50').median,
      kafka_latency_p99_ms: figure(first, OURS, 'p99').median,
    };
  },
};
