import type { SourceCapabilities } from '../../../ports/source-capabilities.js';

/** Bytes of a message that servers take unless they are told otherwise. */
const MAX_PAYLOAD = 1_048_576;
/** Room for headers and the envelope, in bytes. */
const ENVELOPE = 16_384;

/** What JetStream can do by itself. */
export const JETSTREAM: SourceCapabilities = Object.freeze({
  technology: 'nats',
  redelivers: false,
  holds: 'entry',
  leaves: false,
  keepsReleasedOrder: false,
  delivery: 'at-least-once',
  positions: 'source',
  maxPayload: MAX_PAYLOAD - ENVELOPE,
  atomicPublish: false,
  atomicDeadLetter: false,
  durableAttempts: true,
  extends: true,
  idempotentPublish: 'native',
});
