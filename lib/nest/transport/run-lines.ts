import type { StreamsEvents } from '../../core/events.js';
import type { UnendedRun } from '../../core/run-events.js';
import type { DeadLetterReason } from '../../core/settlement.js';
import type { Line } from './rate-limited-log.js';

export const at = ({ stream, group }: { stream: string; group: string }): string =>
  `stream "${stream}" and group "${group}"`;

/** Reasons of dead letters whose handler was called. For all other reasons it was not called. */
const AFTER_A_RUN: readonly (DeadLetterReason | undefined)[] = [
  'max-deliveries',
  'unrecoverable',
  'rejected',
  'timed-out',
];

const UNMATCHED =
  '. No live consumer of the group handles this event type. Start one that does, then redrive the message.';

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

export function deadLettered(event: StreamsEvents['dead-lettered']): Line {
  const { id, eventType, handler, reason, attempt } = event;
  const type = eventType === '' ? '' : ` "${eventType}"`;
  const fate = handler === undefined ? '' : fateOf(reason, attempt, handler);
  const why = event.error ? `${reason} (${event.error.name}: ${event.error.message})` : reason;
  const todo = reason === 'unmatched' ? UNMATCHED : '';
  return {
    level: 'error',
    text: `Message ${id}${type} of ${at(event)} was dead-lettered${fate}: ${why}${todo}`,
    key: `dead-lettered ${at(event)} ${handler} ${reason} ${event.error?.name}`,
  };
}

/** A delivery to a consumer that died, perhaps of another program, is no run of this handler. */
function fateOf(reason: DeadLetterReason | undefined, attempt: number, handler: string): string {
  if (AFTER_A_RUN.includes(reason)) return ` after run ${attempt} of ${handler}`;
  const unrun = ` without a run of ${handler} here`;
  return reason === 'crashed'
    ? `${unrun}, as none of its ${attempt} deliveries was settled`
    : unrun;
}
