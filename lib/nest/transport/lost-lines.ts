import type { StreamsEvents } from '../../core/events.js';
import type { MessagesLost } from '../../core/messages-lost.js';
import type { Line } from './rate-limited-log.js';
import { at } from './run-lines.js';

type Lost = 'messages-lost' | 'trimmed' | 'entries-deleted';

const WHY: Record<MessagesLost, string> = {
  'buffer-full':
    'more arrive than the handlers take. Raise concurrency, or start more consumers of the group',
  outage: 'what was published while this process was not connected does not come again',
  deleted:
    'the server deleted them by their age or number before they were handled. Raise its retention, or start more consumers of the group',
  closed: 'this process ended before it could run them. Raise gracePeriod',
};

/** The log lines of messages that no run will handle, because they are gone. */
export const LOST_LINES: { [N in Lost]: (event: StreamsEvents[N]) => Line | undefined } = {
  'messages-lost': ({ count, why, ...event }) => ({
    level: 'warn',
    text:
      (count === undefined
        ? `Messages of ${at(event)} may be lost`
        : `${count} messages of ${at(event)} are lost`) + `: ${WHY[why]}.`,
    key: `messages-lost ${at(event)} ${why}`,
  }),
  trimmed: (event) => ({
    level: 'warn',
    text: `${event.count} pending messages of ${at(event)} had been deleted from the stream`,
    key: `trimmed ${at(event)}`,
  }),
  'entries-deleted': ({ stream, lost, groups }) =>
    lost === 0
      ? undefined
      : {
          level: 'warn',
          text: `${lost} messages of stream "${stream}" were deleted that ${groups.join(', ')} had not settled (allowLoss)`,
          key: `entries-deleted ${stream}`,
        },
};
