// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { append, fill } from '../backlogs/stream.js';
import { consumeAll } from '../consuming.js';
import { NODE_US, RATE, REDIS_US } from '../draining.js';
import { usedMemory, whileWatched } from '../redis-memory.js';
import { figure, ratio } from '../statistics.js';

const KEEP = 'keep';
const DELETE = 'deleteWhenSettled';
const SIZE = 200;
/** Appended at a time where messages pass through. */
const PORTION = 5000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'retention',
  title: 'Retention',
  text: "Messages of 200 B are drained from a backlog, with the options retention: 'keep' and 'deleteWhenSettled'; then 1,000,000 messages (200,000 in a quick run) pass through a stream that is filled as fast as it is drained, with 20,000 messages not yet handled at most. Memory is what Redis uses beyond what it used before.",
  measures: [
    RATE,
    NODE_US,
    REDIS_US,
    { key: 'peakMb', label: 'Redis peak MB', digits: 1 },
    { key: 'grownMb', label: 'Redis MB grown after the first tenth', digits: 1 },
  ],

  cases(quick) {
    const entrants = (/** @type {number} */ total) => [
      { label: KEEP, system: 'ours', total },
      { label: DELETE, system: 'ours-retained', total },
    ];
    return [
      { label: 'backlog', baseline: KEEP, entrants: entrants(quick ? 100_000 : 300_000) },
      {
        label: 'passing through',
        baseline: KEEP,
        inFlight: 20_000,
        entrants: entrants(quick ? 200_000 : 1_000_000),
      },
    ];
  },

  async run({ stage, case: { inFlight }, entrant: { system, total = 0 }, warmUp }) {
    const messages = warmUp ? total / 10 : total;
    const stream = stage.freshName('retained');
    const { redis } = stage;
    const before = await usedMemory(redis);
    if (!inFlight) await fill(redis, { streams: [stream], total: messages, size: SIZE });
    const flow = async () => {
      if (inFlight) await passThrough(stage, system, { stream, total: messages, inFlight });
    };
    const streams = [stream];
    const { result, used } = await whileWatched(redis, () =>
      consumeAll(stage, system, { streams, work: { total: messages } }, flow),
    );
    await redis.del(stream);
    const { rate, nodeUs, serverUs } = result;
    const early = used.slice(0, Math.ceil(used.length / 10));
    return {
      rate,
      nodeUs,
      serverUs,
      peakMb: Math.max(...used) - before,
      grownMb: Math.max(...used) - Math.max(...early),
    };
  },

  figures([backlog, passing]) {
    return {
      retention_drain: ratio(backlog, DELETE, KEEP, 'rate').median,
      retention_growth_mb: figure(passing, DELETE, 'grownMb').max,
    };
  },
};

/**
 * Appends while few enough wait to be handled.
 *
 * @param {import('../stage.js').Stage} stage
 * @param {string} system
 * @param {{ stream: string, total: number, inFlight: number }} wanted
 */
async function passThrough(stage, system, { stream, total, inFlight }) {
  const child = await stage.child(system);
  for (let from = 0; from < total;) {
    const { handled } = await child.call('progress');
    if (from - handled > inFlight - PORTION) {
      await pause(5);
      continue;
    }
    const below = Math.min(total, from + PORTION);
    await append(stage.redis, stream, { from, below, size: SIZE });
    from = below;
  }
}
