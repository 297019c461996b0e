// @ts-check
import { setTimeout as pause } from 'node:timers/promises';

/** How often the parent asks how far the children are, ms. */
const POLL = 15;
/** Nothing handled for so long: it will not come any more, ms. */
const STALLED = 20_000;
/** The last acknowledgements may take so long, ms. */
const SETTLED_WITHIN = 10_000;

/**
 * @typedef {object} Consuming
 * @property {readonly string[]} streams
 * @property {import('./types.js').Work} work
 * @property {number} [processes]
 * @property {number} [retryDelay]
 */

/**
 * Has one system consume everything, and checks that each message was handled exactly once and
 * nothing was left. `meanwhile` runs once the consumers are there.
 *
 * @param {import('./stage.js').Stage} stage
 * @param {string} system
 * @param {Consuming} wanted
 * @param {() => Promise<unknown>} [meanwhile]
 */
export async function consumeAll(stage, system, wanted, meanwhile) {
  const { streams, work, processes = 1, retryDelay = 100 } = wanted;
  const expected = work.total * (work.groups ?? 1);
  const groups = Array.from({ length: work.groups ?? 1 }, () => stage.freshName('group'));
  const where = { streams, groups };
  const numbers = Array.from({ length: processes }, (_, number) => number);
  const children = await Promise.all(numbers.map((number) => stage.child(system, number)));
  const server = await stage.serverOf(system);
  const options = { url: server.url, ...where, concurrency: 100, retryDelay };
  const cpuBefore = await server.cpu();
  await Promise.all(children.map((child) => child.call('consume', { work, options })));
  await meanwhile?.();
  const nodeCpu = await untilHandled(children, expected, system);
  const serverCpu = (await server.cpu()) - cpuBefore;
  await untilSettled(stage, system, where);
  const reports = await Promise.all(children.map((child) => child.call('stop')));
  await stage.backlog(system).forgetGroups(server.client, where);
  verify(reports, work, system);
  const first = Math.min(...reports.filter(({ last }) => last > 0).map((report) => report.first));
  const last = Math.max(...reports.map((report) => report.last));
  return {
    /** @type {import('./types.js').Report[]} */
    reports,
    rate: (expected - 1) / ((last - first) / 1000),
    nodeUs: nodeCpu / expected,
    serverUs: serverCpu / expected,
    peakMb: Math.max(...reports.map((report) => report.peakMb)),
  };
}

/**
 * @param {readonly import('./child/child.js').Child[]} children
 * @param {number} expected
 * @param {string} system
 * @returns {Promise<number>} CPU time of the children since their first message, µs
 */
async function untilHandled(children, expected, system) {
  let before = -1;
  let lastChange = Date.now();
  for (;;) {
    const progress = await Promise.all(children.map((child) => child.call('progress')));
    const handled = sum(progress.map((one) => one.handled));
    if (handled >= expected) return sum(progress.map((one) => one.cpu));
    if (handled !== before) lastChange = Date.now();
    before = handled;
    if (Date.now() - lastChange > STALLED) {
      throw new Error(`${system} handled ${handled} of ${expected} messages and then no more`);
    }
    await pause(POLL);
  }
}

/**
 * @param {import('./stage.js').Stage} stage
 * @param {string} system
 * @param {{ streams: readonly string[], groups: readonly string[] }} where
 */
async function untilSettled(stage, system, where) {
  const deadline = Date.now() + SETTLED_WITHIN;
  const { client } = await stage.serverOf(system);
  for (;;) {
    const left = await stage.backlog(system).unsettled(client, where);
    if (left === 0) return;
    if (Date.now() > deadline) throw new Error(`${system} left ${left} messages unsettled`);
    await pause(POLL);
  }
}

/**
 * @param {readonly import('./types.js').Report[]} reports
 * @param {import('./types.js').Work} work
 * @param {string} system
 */
function verify(reports, work, system) {
  let missing = 0;
  let repeated = 0;
  for (let place = 0; place < (reports[0]?.counts.length ?? 0); place++) {
    const times = sum(reports.map((report) => report.counts[place] ?? 0));
    if (times === 0) missing++;
    else if (times > 1) repeated++;
  }
  if (missing + repeated > 0) {
    throw new Error(`${system} never handled ${missing} messages, and ${repeated} more than once`);
  }
  const failed = sum(reports.map((report) => report.failedRuns));
  const meant = work.failEvery ? Math.ceil(work.total / work.failEvery) * (work.groups ?? 1) : 0;
  if (failed !== meant) throw new Error(`${system} had ${failed} failed runs, not ${meant}`);
}

/** @param {readonly number[]} values */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
