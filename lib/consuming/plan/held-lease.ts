import type { Guard } from '../../core/guard.js';

/** The lease of a stream, while this process has it: nothing else reads the stream for the group. */
export interface HeldLease {
  /** Hold as long as the lease lasts. */
  readonly guards: readonly Guard[];
  /** False: another process may have the stream. None of its deliveries may start. */
  holds(): boolean;
  /** Call it where an entry of the stream was found to be another process's. */
  lost(): void;
}
