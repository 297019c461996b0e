import { Logger } from '@nestjs/common';
import type { StreamsEventName, StreamsEvents } from '../../core/events.js';
import type { StreamsRuntime } from '../../runtime.js';

/** The same line is logged once in so long, ms. */
const QUIET_FOR = 10_000;
/** Lines remembered at most: their number is bounded by streams, groups and kinds of errors. */
const MOST_LINES = 1000;

const logged = new WeakSet<StreamsRuntime>();

type Level = 'log' | 'warn' | 'error';
/** What is worth a line in the log, and the line. Undefined: nothing to say. */
type Lines = {
  [N in StreamsEventName]?: [Level, (event: StreamsEvents[N]) => string | undefined];
};

const LINES: Lines = {
  warning: ['warn', ({ code, message }) => `${message} (${code})`],
  'group-recreated': [
    'warn',
    ({ stream, group, from }) =>
      `Group "${group}" of stream "${stream}" had vanished; it was created again and resumes behind ${from}`,
  ],
  'data-loss-suspected': [
    'error',
    ({ stream, group, after, upTo }) =>
      `The server lost data of stream "${stream}": group "${group}" may never have handled what lay between ${after} and ${upTo}`,
  ],
  'worker-error': ['error', ({ worker, error }) => `The ${worker} failed and will try again: ${error.message}`],
  'stream-unreadable': [
    'error',
    ({ stream, group, error }) =>
      `Stream "${stream}" cannot be read for group "${group}" and is left out until it can: ${error.message}`,
  ],
  disconnected: ['warn', ({ role, error }) => `The connection for ${role} broke and is being replaced: ${error.message}`],
  'reading-paused': [
    'warn',
    ({ group, parked }) =>
      `Group "${group}" reads no new messages while ${parked} wait to be retried (option maxParked)`,
  ],
  'reading-resumed': ['log', ({ group }) => `Group "${group}" reads new messages again`],
  trimmed: [
    'warn',
    ({ stream, group, count }) =>
      `${count} messages of stream "${stream}" were deleted before group "${group}" had handled them`,
  ],
  'publish-failed': [
    'error',
    ({ stream, eventType, error }) =>
      `"${eventType}" was not published to "${stream}", and nobody waited for it: ${error.message}`,
  ],
  settled: ['error', deadLetterLine],
};

function deadLetterLine(event: StreamsEvents['settled']): string | undefined {
  if (event.outcome !== 'dead-lettered') return undefined;
  const { stream, group, id, handler, reason, attempt, error } = event;
  const where = `Message ${id} of stream "${stream}" was dead-lettered in group "${group}"`;
  const by = handler === undefined ? '' : ` after run ${attempt} of ${handler}`;
  return `${where}${by}: ${reason}${error ? ` (${error.name}: ${error.message})` : ''}`;
}
