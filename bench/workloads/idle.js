// @ts-check
import { setTimeout as pause } from 'node:timers/promises';
import { figure } from '../statistics.js';

/** Until what starting costs is over, ms. */
const CALM = 5000;
const WATCHED = 15_000;

/** @type {import('../types.js').Workload} */
export default {
  name: 'idle',
  title: 'Idle cost',
  text: 'A process whose streams are empty: what it costs to wait, with one reader for all its streams. Commands are those that arrive at Redis; what scripts call is not counted.',
  cold: true,
  mostRounds: 1,
  measures: [
    { key: 'commands', label: 'commands/s', digits: 2 },
    { key: 'nodePercent', label: 'Node, % of a core', digits: 2 },
    { key: 'redisPercent', label: 'Redis, % of a core', digits: 2 },
  ],

  cases() {
    const entrants = [1, 100, 1000].map((streams) => ({
      label: streams === 1 ? '1 stream' : `${streams} streams`,
      system: 'ours',
      streams,
    }));
    return [{ label: 'idle', baseline: '1 stream', entrants }];
  },

  async run({ stage, entrant: { system, streams: count = 1 } }) {
    const streams = Array.from({ length: count }, (_, n) => `bench-${count}-${n}`);
    const child = await stage.child(system);
    const options = { url: stage.url, streams, groups: ['idle'], concurrency: 100, retryDelay: 0 };
    await child.call('consume', { work: { total: 0 }, options });
    await pause(CALM);
    const [node, redis] = [await child.call('usage'), await stage.redisCpu()];
    await pause(WATCHED);
    const redisPercent = percentOfCore((await stage.redisCpu()) - redis);
    const nodePercent = percentOfCore((await child.call('usage')).cpu - node.cpu);
    const commands = (await commandsWithin(stage)) / (WATCHED / 1000);
    await child.call('stop');
    return { commands, nodePercent, redisPercent };
  },

  figures([only]) {
    return {
      idle_commands_per_second: figure(only, '1000 streams', 'commands').median,
      idle_cpu_percent: figure(only, '1000 streams', 'nodePercent').median,
    };
  },
};

/** @param {number} microseconds */
function percentOfCore(microseconds) {
  return (microseconds / 1000 / WATCHED) * 100;
}

/** Watched apart, since watching costs the server. @param {import('../stage.js').Stage} stage */
async function commandsWithin(stage) {
  const monitor = await stage.redis.monitor();
  let seen = 0;
  monitor.on('monitor', (_time, _args, source) => {
    if (source !== 'lua') seen++;
  });
  await pause(WATCHED);
  monitor.disconnect();
  return seen;
}
