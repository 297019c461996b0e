import type { Redis } from 'ioredis';
import { GroupNotFoundError, StreamNotFoundError } from '../../../core/errors/group.errors.js';
import { isGroupMissing, isKeyMissing } from '../errors/reply-errors.js';

/** A group of a stream: names of both, and the key of the stream. */
export interface GroupKey {
  readonly key: string;
  readonly stream: string;
  readonly group: string;
}

/**
 * Runs a command about a group. Where it fails, tells apart whether the stream or the group is
 * missing.
 */
export async function aboutGroup<T>(
  client: Redis,
  { key, stream, group }: GroupKey,
  command: () => Promise<T>,
): Promise<T> {
  try {
    return await command();
  } catch (error) {
    if (!isGroupMissing(error) && !isKeyMissing(error)) throw error;
    if ((await client.exists(key)) === 0) throw new StreamNotFoundError(stream);
    throw new GroupNotFoundError(stream, group);
  }
}
