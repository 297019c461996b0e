import type { SourceCapabilities } from '../../../ports/source-capabilities.js';
import { JETSTREAM } from '../jetstream/capabilities.js';

/** What NATS without JetStream can do by itself. It keeps nothing. */
export const CORE_CAPABILITIES: SourceCapabilities = Object.freeze({
  ...JETSTREAM,
  technology: 'core NATS',
  delivery: 'at-most-once',
  positions: 'none',
  // The count of runs ends with the process.
  durableAttempts: false,
  idempotentPublish: false,
});
