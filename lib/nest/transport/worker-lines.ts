import type { StreamsEvents } from '../../core/events.js';
import type { Line } from './rate-limited-log.js';
import { at } from './run-lines.js';

/** The line of a background task that failed. Lines of one group and one error are of one kind. */
export function workerFailed({
  worker: task,
  service,
  error: { message },
  settling,
}: StreamsEvents['worker-error']): Line {
  const worker = service === undefined ? task : `${task} of "${service}"`;
  const why = `, and tries again while this process runs: ${message}`;
  if (!settling) return { level: 'error', text: `The ${worker} failed${why}` };
  const { id, handler } = settling;
  const by = handler === undefined ? '' : `, handled by ${handler}`;
  return {
    level: 'error',
    text: `The ${worker} failed at message ${id} of ${at(settling)}${by}${why}`,
    key: `worker-error ${worker} ${at(settling)} ${message}`,
  };
}
