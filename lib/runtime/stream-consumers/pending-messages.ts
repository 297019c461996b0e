import { GroupNotFoundError, StreamNotFoundError } from '../../core/errors/group.errors.js';
import type { PendingEntries, PendingEntry } from '../../ports/group-admin.js';

/** A message that was delivered to a consumer and not settled. */
export interface PendingMessage extends PendingEntry {
  /** Stream of the message. */
  readonly stream: string;
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
