import { systemClock } from '../../../core/clock.js';
import type { StreamSettings } from '../connection/nats.options.js';
import type { OtherSetting } from '../errors/stream-settings.error.js';
import type { StreamConfig } from './js-stream.js';

/** The key of the metadata that says that a stream, or a durable, is this driver's. */
export const OURS = 'nestjs-redis-streams';

const NANOSECONDS = 1_000_000;

/** What the options say of streams, by the names of JetStream. */
export function wantedSettings(
  settings: StreamSettings,
  subjects: readonly string[],
): Record<string, unknown> {
  const { storage, replicas, duplicateWindow, maxAge, maxBytes, maxMessages, discard } = settings;
  // The server refuses a window that is longer than messages live.
  const window = Math.min(duplicateWindow, maxAge ?? Infinity);
  return {
    subjects,
    storage,
    num_replicas: replicas,
    duplicate_window: window * NANOSECONDS,
    max_age: (maxAge ?? 0) * NANOSECONDS,
    max_bytes: maxBytes ?? -1,
    max_msgs: maxMessages ?? -1,
    discard,
  };
}

/** The wanted settings with all subjects that the stream has: an operator may have added some. */
export const withSubjectsOf = (
  { subjects = [] }: { readonly subjects?: readonly string[] },
  wanted: ReturnType<typeof wantedSettings>,
): ReturnType<typeof wantedSettings> => ({
  ...wanted,
  subjects: [...new Set([...subjects, ...(wanted['subjects'] as readonly string[])])],
});

/** A stream refuses what is published when it is full. Such a stream can have no delayed messages. */
export const refusesWhenFull = ({ discard, maxBytes, maxMessages }: StreamSettings): boolean =>
  discard === 'new' && (maxBytes !== undefined || maxMessages !== undefined);

/** The settings of a new stream. */
export function newStream(
  stream: string,
  name: string,
  wanted: Readonly<Record<string, unknown>>,
): StreamConfig {
  return {
    ...wanted,
    name,
    retention: 'limits',
    max_consumers: -1,
    max_msg_size: -1,
    max_msgs_per_subject: -1,
    allow_direct: true,
    // No sequence comes twice, where a stream is deleted and made again.
    first_seq: systemClock.wallTime() * 1000,
    metadata: { [OURS]: stream },
  };
}

/** Which settings are not as they are wanted. */
export function otherSettings(
  found: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): OtherSetting[] {
  return Object.entries(wanted).flatMap(([name, value]): OtherSetting[] =>
    isSame(found[name], value) ? [] : [{ name, found: found[name], wanted: value }],
  );
}

/** The server leaves out what is false. */
const isSame = (found: unknown, wanted: unknown): boolean =>
  JSON.stringify(found) === JSON.stringify(wanted) || (found === undefined && wanted === false);
