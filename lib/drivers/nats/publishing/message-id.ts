import { createHash } from 'node:crypto';

/** The header by which JetStream finds that a message was published before. */
export const MESSAGE_ID = 'Nats-Msg-Id';

/**
 * A value of {@link MESSAGE_ID} for any texts. Others have another one: the server deduplicates per
 * JetStream stream, so the texts name the stream, too.
 */
export const messageId = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('base64url');

/** The id of an entry with an idempotency key. */
export const idOfKey = (subject: string, key: string): string => messageId('key', subject, key);
