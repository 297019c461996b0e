/**
 * A worker process. argv[2] is the JSON of WorkerOptions, see worker-process.ts. It tells its parent
 * of the library's events, and notes in its ledger what becomes of each message, at once and outside
 * of Redis, so that it is known after a SIGKILL too.
 */
import { openSync, writeSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { UnrecoverableError } from '../../../dist/core/errors.js';
import { redis } from '../../../dist/drivers/redis/redis.driver.js';
import { StreamsRuntime } from '../../../dist/runtime.js';

const TOLD = [
  'reclaimed',
  'adopted',
  'trimmed',
  'group-recreated',
  'data-loss-suspected',
  'disconnected',
  'connected',
  'stream-unreadable',
  'worker-error',
];

const { streams, work, ledger, redis: connection, ...options } = JSON.parse(process.argv[2]);
const file = openSync(ledger, 'a');

/** @param {string} what @param {{ stream: string, id: string, attempt?: number }} entry */
function note(what, { stream, id, attempt }) {
  writeSync(file, `${what} ${Date.now()} ${stream} ${id} ${attempt}\n`);
}

/** @param {string} name @param {object} event */
function tell(name, event) {
  const error = event.error && { message: event.error.message, code: event.error.code };
  process.send?.({ name, event: { ...event, ...(error && { error }) } }, () => undefined);
}

/** See Payload in scene.ts for what a message can ask for. */
async function handle(delivery) {
  const { ms, kills, fails = 0, failsIn } = delivery.message.payload;
  const entry = { stream: delivery.stream, id: delivery.id, attempt: delivery.attempt };
  note('started', entry);
  if (kills) process.kill(process.pid, 'SIGKILL');
  if (ms !== undefined) delivery.signal.addEventListener('abort', () => note('aborted', entry));
  await pause(ms ?? work * (0.5 + Math.random()));
  if (failsIn === options.consumer) throw new UnrecoverableError('asked to fail here');
  if (delivery.attempt <= fails) throw new Error('asked to fail');
  note('handled', entry);
  return { kind: 'ack' };
}

const runtime = new StreamsRuntime({ source: redis(connection), ...options });
for (const name of TOLD) runtime.events.on(name, (event) => tell(name, event));
runtime.events.on('settled', (event) => {
  if (event.outcome !== 'handled') note(event.outcome, event);
});

process.on('SIGTERM', () => void runtime.close().then(() => process.disconnect()));
process.on('message', () => tell('cpu', process.cpuUsage()));

await runtime.start([
  { name: 'Worker.handle', events: ['*'], options: { streams }, invoke: handle },
]);
tell('ready', {});
