import type { SourceCapabilities } from '../../../ports/source-capabilities.js';
import { USUAL_MOST_BYTES } from '../topics/topic-facts.js';

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
  maxPayload: USUAL_MOST_BYTES - ENVELOPE,
  atomicPublish: true,
  atomicDeadLetter: true,
  durableAttempts: true,
  extends: true,
  idempotentPublish: false,
  partitionedPublish: true,
});
