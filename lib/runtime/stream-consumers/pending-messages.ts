import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import { UnsupportedFeatureError } from '../../core/errors/start-up.errors.js';
import type { StreamsRuntime } from '../streams-runtime.js';
import type { PendingEntries, PendingEntry } from '../../ports/group-admin.js';

/** A message that was delivered to a consumer and not settled. */
export interface PendingMessage extends PendingEntry {
  /** Stream of the message. */
  readonly stream: string;
}

/**
 * The port that lists pending entries.
 * @param method of `StreamConsumer`, which needs it
 * @throws UnsupportedFeatureError
 */
export function needPending({ driver, slots }: StreamsRuntime, method: string): PendingEntries {
  if (driver.pending) return driver.pending;
  throw new UnsupportedFeatureError(
    `StreamConsumer.${method}`,
    slots.technology,
    'The driver has no port pending: let the callback answer true, or throw.',
  );
}

/** All entries that are pending to one consumer. None where the group does not exist. */
export async function listOwn(
  port: PendingEntries,
  { stream, group, consumer }: { stream: string; group: string; consumer: string },
): Promise<PendingMessage[]> {
  try {
    const own = await port.list(stream, group, { consumer, count: Number.MAX_SAFE_INTEGER });
    return own.map((entry) => ({ ...entry, stream }));
  } catch (error) {
    if (error instanceof GroupNotFoundError || error instanceof StreamNotFoundError) return [];
    throw error;
  }
}
