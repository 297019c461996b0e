import { ConnectionError } from '../../core/errors/connection.errors.js';
import type { StreamsEvents } from '../../core/events.js';
import type { Line } from './rate-limited-log.js';
import { at } from './run-lines.js';

/**
 * The kind of line of all background tasks that have no connection: an outage makes each of them fail,
 * again and again.
 */
export const NO_CONNECTION = 'no connection';

/** The line of a background task that failed. Lines of one group and one error are of one kind. */
export function workerFailed({
  worker: task,
  service,
  error,
  settling,
}: StreamsEvents['worker-error']): Line {
  const worker = service === undefined ? task : `${task} of "${service}"`;
  const why = `, and tries again while this process runs: ${error.message}`;
  const outage = error instanceof ConnectionError && { key: NO_CONNECTION };
  if (!settling) return { level: 'error', text: `The ${worker} failed${why}`, ...outage };
  const { id, handler } = settling;
  const by = handler === undefined ? '' : `, handled by ${handler}`;
  return {
    level: 'error',
    text: `The ${worker} failed at message ${id} of ${at(settling)}${by}${why}`,
    key: `worker-error ${worker} ${at(settling)} ${error.message}`,
    ...outage,
  };
}
