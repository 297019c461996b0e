import type { Guard } from '../../core/guard.js';

/**
 * The lease of a stream while this process holds it: no other process reads the stream for the
 * group.
 */
export interface HeldLease {
  /** Guards that hold as long as the lease. */
  readonly guards: readonly Guard[];
  /** False: another process may have the stream. None of its deliveries may start. */
  holds(): boolean;
  /** Call it where an entry of the stream was found to belong to another process. */
  lost(): void;
}
