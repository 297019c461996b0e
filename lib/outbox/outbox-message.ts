import type { Sending } from '../core/instrumentation.js';
import { InvalidMessageError } from '../core/errors/publishing.errors.js';
import type { OutgoingEntry } from '../core/message.js';
import {
  OUTBOX_PUBLISH_OPTIONS,
  type OutboxPublishOptions,
} from '../options/outbox-publish-options.js';
import type { Publication } from '../options/publish-options.js';
import type { OutboxMessage } from '../ports/outbox-store.js';

/** A message for the outbox, before it is encoded. */
export interface OutboxPublication extends OutboxPublishOptions {
  readonly eventType: string;
  readonly payload: unknown;
}

/** Encodes as a producer does. */
interface Encoder {
  prepare(publication: Publication, kind: 'create'): Prepared;
}

interface Prepared {
  readonly entry: OutgoingEntry;
  readonly sending: Sending | undefined;
}

/**
 * Encodes a message for the outbox.
 * @throws InvalidMessageError, PayloadTooLargeError, UnsupportedFeatureError
 */
export function outboxMessageOf(
  { key, eventType, payload, ...options }: OutboxPublication,
  encoder: Encoder,
): OutboxMessage {
  const given = key === undefined ? options : { ...options, key };
  const problems = OUTBOX_PUBLISH_OPTIONS.problems(given);
  if (problems.length > 0) throw new InvalidMessageError(problems.join('; '));
  const { entry, sending } = encoder.prepare({ ...options, eventType, payload }, 'create');
  // The row is written with others. The relay publishes the message.
  sending?.ended();
  return { key: key ?? entry.stream, entry };
}
