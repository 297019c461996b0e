// @ts-check
/**
 * A process that consumes or publishes as one system does: `main.js <system>`. It says `ready`, then
 * carries out what its parent asks for, one call and one reply at a time.
 */
import { publishAll, publishPaced } from './publishing.js';
import { Recorder } from './recorder.js';

/** @typedef {import('../types.js').ConsumeOptions} ConsumeOptions */

/** @type {import('../types.js').System} */
const system = await import(`../systems/${process.argv[2]}.js`);

/** @type {Recorder | undefined} */
let recorder;
/** @type {(() => Promise<unknown>) | undefined} */
let stopConsuming;
/** @type {import('../types.js').Publisher | undefined} */
let publisher;

const calls = {
  /** @param {{ work: import('../types.js').Work, options: ConsumeOptions }} asked */
  async consume({ work, options }) {
    recorder = new Recorder(work);
    stopConsuming = await system.consume?.(options, recorder.handler());
  },
  async progress() {
    return { handled: recorder?.handled ?? 0, cpu: recorder?.cpu ?? 0 };
  },
  async usage() {
    const { user, system: inKernel } = process.cpuUsage();
    return { cpu: user + inKernel, rss: process.memoryUsage.rss() };
  },
  /** What was handled until the end, so that a late repeat is counted too. */
  async stop() {
    await stopConsuming?.();
    return recorder?.report();
  },
  /** @param {{ url: string, stream: string }} options */
  async connect(options) {
    publisher = await system.publisher?.(options);
  },
  /** @param {{ total: number, size: number, inFlight: number, batch?: number }} options */
  async publish(options) {
    return publishAll(connected(), options);
  },
  /** @param {{ total: number, size: number, rate: number }} options */
  async pace(options) {
    await publishPaced(connected(), options);
  },
  /** @param {{ url: string, pattern: string }} options */
  async serve(options) {
    stopConsuming = await system.serve?.(options);
  },
  async unserve() {
    await stopConsuming?.();
  },
  /** @param {{ url: string, pattern: string }} options */
  async ask(options) {
    publisher = await system.requester?.(options);
  },
  async disconnect() {
    await publisher?.close();
  },
};

function connected() {
  if (!publisher) throw new Error(`${process.argv[2]} does not publish`);
  return publisher;
}

process.on('message', (/** @type {{ call: keyof typeof calls, options: never }} */ asked) => {
  calls[asked.call](asked.options).then(
    (result) => process.send?.({ result }),
    (error) => process.send?.({ error: String(error?.stack ?? error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
