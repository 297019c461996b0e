import type { SourceCapabilities } from '../../../ports/source-capabilities.js';

/** Bytes of a message that brokers take unless they are told otherwise: of a batch of one record. */
const MAX_MESSAGE = 1_048_588;
/** Room for headers, the envelope and the batch, in bytes. */
const ENVELOPE = 16_384;

/** What Kafka can do by itself. */
export const KAFKA: SourceCapabilities = Object.freeze({
  technology: 'kafka',
  redelivers: false,
  holds: 'partition',
  leaves: false,
  keepsReleasedOrder: true,
  delivery: 'at-least-once',
  positions: 'source',
  maxPayload: MAX_MESSAGE - ENVELOPE,
  atomicPublish: true,
  atomicDeadLetter: true,
  durableAttempts: true,
  extends: true,
  idempotentPublish: false,
  partitionedPublish: true,
});
