import type { StreamsEvents } from '../../core/events.js';
import type { Line } from './rate-limited-log.js';
import { at } from './run-lines.js';

type Moved = 'partitions-assigned' | 'partitions-revoked';

/** The log lines of partitions that a consumer begins or ceases to read. */
export const PARTITION_LINES: { [N in Moved]: (event: StreamsEvents[N]) => Line } = {
  'partitions-assigned': ({ partitions, ...event }) => ({
    level: 'log',
    text: `This process reads ${named(partitions)} of ${at(event)} now`,
  }),
  'partitions-revoked': ({ partitions, ...event }) => ({
    level: 'log',
    text: `This process reads ${named(partitions)} of ${at(event)} no longer: other consumers of the group may have them`,
  }),
};

const named = (partitions: readonly string[]): string =>
  `${partitions.length === 1 ? 'partition' : 'partitions'} ${partitions.join(', ')}`;
