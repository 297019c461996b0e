import type { StreamsEvents } from '../../core/events.js';
import type { DeadLetterReason } from '../../core/settlement.js';
import type { Line } from './rate-limited-log.js';

export const at = ({ stream, group }: { stream: string; group: string }): string =>
  `stream "${stream}" and group "${group}"`;

/** Why a message is given up after its handler was called. For other reasons it was not called. */
const AFTER_A_RUN: readonly (DeadLetterReason | undefined)[] = [
  'max-deliveries',
  'unrecoverable',
  'rejected',
  'timed-out',
];

export function runFailed(event: StreamsEvents['run-failed']): Line {
  const { id, handler, attempt, delay = 0 } = event;
  const { name, message } = event.error!;
  return {
    level: 'warn',
    text:
      `Run ${attempt} of ${handler} for message ${id} of ${at(event)} failed: ${name}: ${message}. ` +
      `It runs again in ${delay} ms`,
    key: `run-failed ${at(event)} ${handler} ${name}`,
  };
}

export function deadLettered(event: StreamsEvents['dead-lettered']): Line {
  const { id, handler, reason, attempt } = event;
  const fate = handler === undefined ? '' : fateOf(reason, attempt, handler);
  const why = event.error ? `${reason} (${event.error.name}: ${event.error.message})` : reason;
  return {
    level: 'error',
    text: `Message ${id} of ${at(event)} was dead-lettered${fate}: ${why}`,
    key: `dead-lettered ${at(event)} ${handler} ${reason} ${event.error?.name}`,
  };
}

/** Deliveries to consumers that died, perhaps of another program, are no runs of this handler. */
function fateOf(reason: DeadLetterReason | undefined, attempt: number, handler: string): string {
  if (AFTER_A_RUN.includes(reason)) return ` after run ${attempt} of ${handler}`;
  const unrun = ` without a run of ${handler} here`;
  return reason === 'crashed'
    ? `${unrun}, as none of its ${attempt} deliveries was settled`
    : unrun;
}
