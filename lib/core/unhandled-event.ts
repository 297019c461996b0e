import type { Settlement } from './settlement.js';

/** An event that no handler of its consumer takes. */
export interface UnhandledEvent {
  /** Its settlement where no other consumer of the group takes it either. */
  readonly otherwise: Settlement;
  /** An event has told that the message waits. */
  told: boolean;
}
