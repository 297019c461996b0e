import type { ReadPacket, Serializer } from '@nestjs/microservices';
import { InvalidMessageError } from '../../core/errors/publishing.errors.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { Publication } from '../../options/publish-options.js';
import type { Question } from '../../requests/requester.js';
import type { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { StreamRecord } from './stream-record.js';

/** The address that a pattern gives. */
export interface Address {
  readonly eventType: string;
  /** Undefined: routing decides. */
  readonly stream?: string;
}

/** The publication of a packet of Nest. */
export function publicationOf(
  { data, metadata: hooked }: ReadPacket,
  { eventType, stream }: Address,
  serializer: Serializer,
): Publication {
  const record = data instanceof StreamRecord ? data : new StreamRecord(data as unknown);
  const serialized: unknown = serializer.serialize({ pattern: eventType, data: record.payload });
  const target = record.stream ?? stream;
  const metadata = { ...hooked, ...record.metadata };
  return {
    eventType,
    payload: (serialized as ReadPacket).data as unknown,
    ...(target !== undefined && { stream: target }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
    ...(record.idempotencyKey !== undefined && { idempotencyKey: record.idempotencyKey }),
    ...(record.waitReplicas !== undefined && { waitReplicas: record.waitReplicas }),
    ...(record.key !== undefined && { key: record.key }),
    ...(record.partition !== undefined && { partition: record.partition }),
    ...record.backpressure,
    ...record.due,
  };
}

/**
 * The request of a packet of Nest. @throws InvalidMessageError, PayloadTooLargeError,
 * InvalidOptionsError, ClosedError
 */
export function questionOf(
  { data }: ReadPacket,
  publication: Publication,
  { producer, options }: StreamsRuntime,
): Question {
  const given = data instanceof StreamRecord ? data.timeout : undefined;
  const timeout = given ?? options.requestTimeout;
  if (!Number.isSafeInteger(timeout) || timeout < 1) {
    throw new InvalidOptionsError([
      `the timeout of a request must be a whole number of ms of at least 1, not ${timeout}`,
    ]);
  }
  if (publication.maxLag !== undefined) {
    throw new InvalidMessageError(
      'maxLag is for events: a request waits no longer than its timeout',
    );
  }
  if (data instanceof StreamRecord && data.due) {
    throw new InvalidMessageError('A request cannot be delayed: its caller waits for the answer.');
  }
  return { eventType: publication.eventType, timeout, ...producer.prepare(publication, 'request') };
}
