import type { StreamsEvents } from '../../core/events.js';
import type { UnendedRun } from '../../core/run-events.js';
import type { Line } from './rate-limited-log.js';

export const at = ({ stream, group }: { stream: string; group: string }): string =>
  `stream "${stream}" and group "${group}"`;

export function runFailed(event: StreamsEvents['run-failed']): Line {
  const { id, handler, attempt, delay = 0 } = event;
  const { name, message } = event.error!;
  return {
    level: 'warn',
    text:
      `Run ${attempt} of ${handler} for message ${id} of ${at(event)} failed: ` +
      `${sentence(`${name}: ${message}`)} The next run is due in ${delay} ms.`,
    key: `run-failed ${at(event)} ${handler} ${name}`,
  };
}

/** Adds a full stop to an error message that has none. */
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const WAITS_FOR_ITSELF =
  'A run that awaits close() in a timer, in a later step of an Observable, or through a promise that ' +
  'others await too, waits for itself: call close() there without awaiting it.';

/** One line names at most this many runs. */
const NAMED = 3;

export function runsAwaited({ group, runs, atMost }: StreamsEvents['runs-awaited']): Line {
  return {
    level: 'log',
    text:
      `Closing waits for ${counted(runs)} of group "${group}", for ${(atMost / 1000).toFixed(1)} s ` +
      `more at most (gracePeriod): ${named(runs)}. ${WAITS_FOR_ITSELF}`,
  };
}

export function runsGivenUp({ group, runs }: StreamsEvents['runs-given-up']): Line {
  return {
    level: 'warn',
    text:
      `Closing no longer waits for ${counted(runs)} of group "${group}": ${named(runs)}. ` +
      'The messages are released, uncounted, and run again in another process, or after a restart. ' +
      'Let the handler stop when context.signal aborts, or raise gracePeriod.',
  };
}

const counted = ({ length }: readonly UnendedRun[]): string =>
  length === 1 ? '1 run' : `${length} runs`;

function named(runs: readonly UnendedRun[]): string {
  const some = runs
    .slice(0, NAMED)
    .map(({ handler = 'a handler', id, stream }) => `${handler} with ${id} of "${stream}"`);
  const more = runs.length - NAMED;
  return some.join(', ') + (more > 0 ? ` and ${more} more` : '');
}
