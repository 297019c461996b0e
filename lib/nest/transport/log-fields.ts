import { codeOf } from '../../core/errors/error-record.js';
import type { StreamsEventName } from '../../core/events.js';
import type { LogField, LogFields } from './rate-limited-log.js';

/**
 * Fields of events that log lines have, too, in their order. Texts of errors and what the caller of
 * an administrative action gave are not among them.
 */
const NAMES = [
  'stream',
  'group',
  'id',
  'eventType',
  'handler',
  'attempt',
  'workflow',
  'reason',
  'why',
  'count',
  'lost',
  'service',
  'worker',
  'listener',
  'role',
  'action',
  'by',
] as const;

/** One line names at most this many streams. */
export const MOST_STREAMS = 5;

/** Fields of some events that stand elsewhere in a log line. */
interface Elsewhere {
  readonly streams?: readonly string[];
  /** Of `stream-lag`. */
  readonly consumerGroup?: string;
  /** Of `worker-error`. */
  readonly settling?: object;
  /** Of `runs-awaited` and `runs-given-up`. */
  readonly runs?: readonly object[];
  readonly error?: unknown;
}

/** What a log line says of an event as an object: its name, where it happened, and the code of its error. */
export function fieldsOf(name: StreamsEventName, event: object): LogFields {
  const { streams = [], consumerGroup, settling, runs = [], error } = event as Elsewhere;
  const run = runs.length === 1 ? runs[0] : undefined;
  const known: Readonly<Record<string, unknown>> = {
    group: consumerGroup,
    ...settling,
    ...run,
    ...event,
  };
  const fields: Record<string, LogField> = { event: name };
  for (const field of NAMES) {
    const value = known[field];
    if (typeof value === 'number' || (typeof value === 'string' && value !== ''))
      fields[field] = value;
  }
  const code = codeOf(event) ?? codeOf(error);
  return { ...fields, ...inStreams(streams), ...(code !== undefined && { code }) };
}

/** The fields `stream`, for one, or `streams`, for several, of which the first five are named. */
export function inStreams(streams: readonly string[]): LogFields {
  if (streams.length > 1) return { streams: streams.slice(0, MOST_STREAMS) };
  const [stream] = streams;
  return stream === undefined ? {} : { stream };
}
