import type { OutboxEvents } from '../../core/outbox-events.js';
import type { Line } from './rate-limited-log.js';

/** The log lines of the outbox. */
export const OUTBOX_LINES: { [N in keyof OutboxEvents]: (event: OutboxEvents[N]) => Line } = {
  'outbox-stalled': ({ error }) => ({
    level: 'error',
    text: `The messages of the outbox wait, since the message source takes none: ${error.message}`,
  }),
  'outbox-resumed': ({ stalledFor }) => ({
    level: 'log',
    text: `The message source takes messages of the outbox again, after ${seconds(stalledFor)}`,
  }),
  'outbox-refused': ({ id, stream, retryIn, error }) => ({
    level: 'warn',
    text:
      `Message ${id} of the outbox was refused and is tried again in ${seconds(retryIn)}; messages of its ` +
      `key wait: ${error.message}`,
    key: `outbox-refused ${stream}`,
  }),
  'outbox-dead': ({ id, stream, refusals, error }) => ({
    level: 'error',
    text:
      `Message ${id} of the outbox, for stream "${stream}", was refused ${refusals} times and is a dead row ` +
      `now: Outbox.redrive tries it again. ${error.message}`,
    key: `outbox-dead ${stream}`,
  }),
  'outbox-doubtful': ({ from, to, since }) => ({
    level: 'warn',
    text:
      `Messages ${from} to ${to} of the outbox may be published twice: a relay ended ${seconds(since)} ago ` +
      'before it could note them, and the message source has forgotten their keys (idempotencyWindow)',
    key: 'outbox-doubtful',
  }),
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
