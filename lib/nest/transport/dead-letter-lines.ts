import type { StreamsEvents } from '../../core/events.js';
import type { DeadLetterReason } from '../../core/settlement.js';
import type { Line } from './rate-limited-log.js';
import { at } from './run-lines.js';

/** Reasons of dead letters whose handler was called. For all other reasons it was not called. */
const AFTER_A_RUN: readonly (DeadLetterReason | undefined)[] = [
  'max-deliveries',
  'unrecoverable',
  'rejected',
  'timed-out',
];

const UNMATCHED =
  '. No live consumer of the group handles this event type. Start one that does, then redrive the message.';

export function deadLettered(event: StreamsEvents['dead-lettered']): Line | undefined {
  const { id, eventType, handler, reason, attempt, outcome, forwardedTo } = event;
  // The line of `messages-dropped` tells of the first of a kind.
  if (outcome === 'dropped') return undefined;
  const kept = outcome === 'held' ? 'put on hold' : 'dead-lettered';
  const what = forwardedTo === undefined ? kept : `forwarded to "${forwardedTo}"`;
  const type = eventType === '' ? '' : ` "${eventType}"`;
  const fate = handler === undefined ? '' : fateOf(reason, attempt, handler);
  const todo = reason === 'unmatched' && outcome === 'dead-lettered' ? UNMATCHED : '';
  return {
    level: 'error',
    text: `Message ${id}${type} of ${at(event)} was ${what}${fate}: ${whyOf(event)}${todo}`,
    key: `dead-lettered ${at(event)} ${handler} ${reason} ${event.error?.name}`,
  };
}

/** The reason, and the error that was its cause. */
const whyOf = ({
  reason,
  error,
}: Pick<StreamsEvents['dead-lettered'], 'reason' | 'error'>): string | undefined =>
  error ? `${reason} (${error.name}: ${error.message})` : reason;

/** A delivery to a consumer that died, perhaps of another program, is no run of this handler. */
function fateOf(reason: DeadLetterReason | undefined, attempt: number, handler: string): string {
  if (AFTER_A_RUN.includes(reason)) return ` after run ${attempt} of ${handler}`;
  const unrun = ` without a run of ${handler} here`;
  return reason === 'crashed'
    ? `${unrun}, as none of its ${attempt} deliveries was settled`
    : unrun;
}

export function messagesDropped(event: StreamsEvents['messages-dropped']): Line {
  const { id, eventType, reason } = event;
  const type = eventType === '' ? 'without an event type' : `"${eventType}"`;
  return {
    level: 'error',
    text:
      `Message ${id} ${type} of ${at(event)} was given up and dropped: ${whyOf(event)}. Further messages of ` +
      'this type that are dropped for this reason are counted, and not logged. To keep them, set the ' +
      'option deadLetter.',
    key: `messages-dropped ${at(event)} ${eventType} ${reason}`,
  };
}

const INSTEAD: Readonly<Record<StreamsEvents['strategy-failed']['action'], string>> = {
  queue: 'It is stored in the dead letter queue instead.',
  hold: 'It is put on hold instead.',
  drop: 'It is dropped, because there is no dead letter queue.',
};

export function strategyFailed(event: StreamsEvents['strategy-failed']): Line {
  const { id, handler = 'the transport', error, action } = event;
  return {
    level: 'error',
    text:
      `The strategy of ${handler} for message ${id} of ${at(event)}, which is given up, has failed: ` +
      `${error.message} ${INSTEAD[action]}`,
    key: `strategy-failed ${at(event)} ${handler} ${error.name}`,
  };
}
