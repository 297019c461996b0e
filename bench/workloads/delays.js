// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { figure, percentile, ratio } from '../statistics.js';

const IN_FLIGHT = 1000;
const BATCH = 100;
/** No message of the bench is delivered so late. */
const FAR = Date.UTC(2100, 0, 1);
/** Until the first of those is due whose lag is measured: longer than it takes to store them, ms. */
const AHEAD = 3000;
/** From the first to the last of them, ms. */
const SPREAD = 5000;

/** @typedef {import('../stage.js').Stage} Stage */

/** @type {import('../types.js').Workload} */
export default {
  name: 'delays',
  title: 'Delayed messages',
  text: `Above: 1,000,000 messages of 200 B (50,000 in a quick run) that are all due, promoted to their stream by one process that does nothing else, beside the rate at which one process publishes as many in pipelines of ${BATCH} XADDs. Below: 10,000 messages, each due at a time of its own within ${SPREAD / 1000} s, published by a process that has ended and promoted by one that consumes; how late they are in their stream.`,
  cold: true,
  quick: true,
  mostRounds: 3,
  measures: [
    { key: 'rate', label: 'messages/s', compared: true },
    { key: 'stored', label: 'stored/s' },
    { key: 'serverUs', label: 'Redis µs per message', digits: 1 },
    { key: 'grownMb', label: 'MB grown', digits: 1 },
    { key: 'p50', label: 'p50 ms late', digits: 1 },
    { key: 'p99', label: 'p99 ms late', digits: 1 },
  ],

  cases(quick) {
    const total = quick ? 50_000 : 1_000_000;
    return [
      {
        label: 'all are due',
        baseline: 'XADD',
        entrants: [
          { label: 'XADD', system: 'pool', total },
          { label: 'ours', system: 'ours-delays', total },
        ],
      },
      {
        label: 'one by one',
        baseline: 'ours',
        entrants: [{ label: 'ours', system: 'ours', total: 10_000 }],
      },
    ];
  },

  async run({ stage, entrant: { system, total = 0 } }) {
    const stream = stage.freshName('bench');
    const measured = await RUNS[/** @type {keyof typeof RUNS} */ (system)](stage, stream, total);
    const found = await stage.backlog(system).published(stage.redis, { stream, total });
    if (found !== total) throw new Error(`${found} of ${total} messages are in their stream`);
    await stage.clear();
    return measured;
  },

  figures([promoting, spread]) {
    return {
      delays_vs_xadd: ratio(promoting, 'ours', 'XADD', 'rate').median,
      delays_promoted_per_second: figure(promoting, 'ours', 'rate').median,
      delays_grown_mb: figure(promoting, 'ours', 'grownMb').max,
      delays_late_p99_ms: figure(spread, 'ours', 'p99').max,
    };
  },
};

const RUNS = {
  /** @param {Stage} stage @param {string} stream @param {number} total */
  async pool(stage, stream, total) {
    const before = await stage.redisCpu();
    const took = await publish(stage, 'pool', total, { stream });
    return { rate: total / (took / 1000), serverUs: ((await stage.redisCpu()) - before) / total };
  },

  /** @param {Stage} stage @param {string} stream @param {number} total */
  async 'ours-delays'(stage, stream, total) {
    const took = await publish(stage, 'ours-delays', total, { stream, from: FAR, apart: 0 });
    const delayed = `{${stream}}:delayed`;
    await stage.redis.zunionstore(delayed, 1, delayed, 'WEIGHTS', 0);

    // It looks for what is due as soon as it has published something for later.
    const child = await stage.child('ours-delays', 1);
    const cpuBefore = await stage.redisCpu();
    await child.call('connect', { url: stage.url, stream, from: FAR, apart: 0 });
    await child.call('publish', { total: 1, size: 200, inFlight: 1 });
    await until(stage, stream, total / 10);
    const { rss } = await child.call('usage');
    await until(stage, stream, total);
    const grownMb = ((await child.call('usage')).rss - rss) / 2 ** 20;
    const serverUs = ((await stage.redisCpu()) - cpuBefore) / total;
    await child.call('disconnect');
    const times = await addedAt(stage, stream);
    const promoting = Number(times.at(-1)) - Number(times[0]);
    return {
      rate: total / (promoting / 1000),
      stored: total / (took / 1000),
      serverUs,
      grownMb,
    };
  },

  /** @param {Stage} stage @param {string} stream @param {number} total */
  async ours(stage, stream, total) {
    const consumer = await stage.child('ours');
    const options = { url: stage.url, streams: [stream], groups: ['bench'], concurrency: 100 };
    await consumer.call('consume', { work: { total }, options: { ...options, retryDelay: 0 } });
    const [from, apart] = [Date.now() + AHEAD, SPREAD / total];
    const took = await publish(stage, 'ours-delays', total, { stream, from, apart });
    if (Date.now() > from) throw new Error('the machine is too slow to store them in time');
    await until(stage, stream, total);
    await consumer.call('stop');
    // In the order of their due times.
    const late = (await addedAt(stage, stream)).map((at, n) => at - from - Math.floor(n * apart));
    if (Math.min(...late) < 0) throw new Error('a message was early');
    return {
      rate: total / (SPREAD / 1000),
      stored: total / (took / 1000),
      p50: percentile(late, 0.5),
      p99: percentile(late, 0.99),
    };
  },
};

/**
 * @param {Stage} stage
 * @param {string} system
 * @param {number} total
 * @param {object} options
 */
async function publish(stage, system, total, options) {
  const child = await stage.child(system);
  await child.call('connect', { url: stage.url, ...options });
  const wanted = { total, size: 200, inFlight: IN_FLIGHT, batch: BATCH };
  const { took } = await child.call('publish', wanted);
  await child.call('disconnect');
  return took;
}

/** @param {Stage} stage @param {string} stream @param {number} count */
async function until(stage, stream, count) {
  while ((await stage.redis.xlen(stream)) < count) await pause(20);
}

/** When each entry was added, by the server's clock, ms. @param {Stage} stage @param {string} stream */
async function addedAt(stage, stream) {
  /** @type {number[]} */
  const times = [];
  for (let start = '-'; ;) {
    const page = await stage.redis.xrange(stream, start, '+', 'COUNT', 5000);
    for (const [id] of page) times.push(Number(id.split('-')[0]));
    const last = page.at(-1);
    if (!last) return times;
    start = `(${last[0]}`;
  }
}
