import type { SourceCapabilities } from 'nestjs-redis-streams/driver';

// #region source
/** The contract suites test what is claimed here, and skip what is not. */
export const FILE_CAPABILITIES: SourceCapabilities = {
  technology: 'file',
  // What was handed out and not settled comes again, to this process or the next one.
  delivery: 'at-least-once',
  // The journal has how far each group has read.
  positions: 'source',
  // Each entry has a fence of its own.
  holds: 'entry',
  extends: true,
  leaves: true,
  keepsReleasedOrder: true,
  // There is no timer for retries: the engine keeps the lease, and calls `begin` when it is due.
  redelivers: false,
  // The journal has the number of runs.
  durableAttempts: true,
  // One line of the journal has an acknowledgement, and what comes of it.
  atomicPublish: true,
  atomicDeadLetter: true,
  // Idempotency keys are not stored: the engine refuses such messages.
  idempotentPublish: false,
};
// #endregion

// #region engine
/** The engine keeps the positions: a process that starts knows nothing of the runs before. */
export const RESUMED_CAPABILITIES: SourceCapabilities = {
  ...FILE_CAPABILITIES,
  positions: 'engine',
  durableAttempts: false,
  // An acknowledgement is in memory only, so nothing can be one step with it.
  atomicPublish: false,
  atomicDeadLetter: false,
};
// #endregion
