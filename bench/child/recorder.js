// @ts-check

/** Monotonic and the same in all processes of a machine, ms. */
export function monotonicNow() {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

/** Counts how often each message was handled, and when. */
export class Recorder {
  handled = 0;
  #failedRuns = 0;
  #first = 0;
  #last = 0;
  /** @type {NodeJS.CpuUsage | undefined} */
  #cpuAtFirst;
  /** @type {number[]} */
  #memory = [];

  /** @param {import('../types.js').Work} work */
  constructor(work) {
    this.work = work;
    const all = work.total * (work.groups ?? 1);
    this.counts = new Uint8Array(all);
    this.failedBefore = new Uint8Array(work.failEvery ? all : 0);
    this.latencies = work.latency ? new Float64Array(all) : undefined;
  }

  /** The handler that this work asks for. @returns {import('../types.js').Handle} */
  handler() {
    const { sleep, failEvery } = this.work;
    if (sleep) return (payload, group) => this.#afterSleep(sleep, payload, group);
    if (failEvery) return (payload, group) => this.#unlessFirst(failEvery, payload, group);
    return (payload, group) => this.#record(payload, group);
  }

  /** CPU time since the first message, µs. */
  get cpu() {
    if (!this.#cpuAtFirst) return 0;
    const { user, system } = process.cpuUsage(this.#cpuAtFirst);
    return user + system;
  }

  /** @returns {import('../types.js').Report} */
  report() {
    return {
      counts: this.counts,
      failedRuns: this.#failedRuns,
      first: this.#first,
      last: this.#last,
      latencies: this.latencies,
      memory: this.#memory,
      peakMb: process.resourceUsage().maxRSS / 1024,
    };
  }

  /** @param {number} ms @param {import('../types.js').Payload} payload @param {number} group */
  async #afterSleep(ms, payload, group) {
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#record(payload, group);
  }

  /** @param {number} every @param {import('../types.js').Payload} payload @param {number} group */
  #unlessFirst(every, payload, group) {
    const place = group * this.work.total + payload.n;
    if (payload.n % every === 0 && this.failedBefore[place] === 0) {
      this.failedBefore[place] = 1;
      this.#failedRuns++;
      throw new Error('This run was meant to fail');
    }
    this.#record(payload, group);
  }

  /** @param {import('../types.js').Payload} payload @param {number} group */
  #record(payload, group) {
    const now = monotonicNow();
    if (this.handled++ === 0) this.#begin(now);
    const place = group * this.work.total + payload.n;
    // Stays at the largest number that it can hold, so that many repeats do not look like none.
    this.counts[place] = Math.min(255, (this.counts[place] ?? 0) + 1);
    this.#last = now;
    if (this.latencies && payload.sent !== undefined) this.latencies[place] = now - payload.sent;
    const { memoryEvery } = this.work;
    if (memoryEvery && this.handled % memoryEvery === 0) {
      this.#memory.push(process.memoryUsage.rss() / 2 ** 20);
    }
  }

  /** @param {number} now */
  #begin(now) {
    this.#first = now;
    this.#cpuAtFirst = process.cpuUsage();
  }
}
