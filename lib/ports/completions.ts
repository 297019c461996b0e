import type { Claim, Completion } from '../core/completion.js';

/**
 * `claimed`: nobody else may begin. `own`: it was this owner's before, and is extended. `held`:
 * somebody else works on it. `done`: it was completed.
 */
export type ClaimOutcome = 'claimed' | 'own' | 'held' | 'done';

/**
 * Optional port: what was handled, so that it is not handled again. A claim lasts for its lease, by
 * the store's clock, unless it is extended; a completion for its `ttl`. The first completion wins:
 * nothing takes a key back that was completed.
 *
 * A driver that has this port carries out `Ack.completes` in one step with the acknowledgement.
 *
 * Not its job: extending in time, deciding who waits for whom.
 */
export interface Completions {
  /**
   * One step for each. One outcome per claim, or an Error where it could not be had; it may have been
   * taken nevertheless, and is then the owner's `own`.
   * @param lease ms
   */
  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]>;
  /** False: it has expired, or is somebody else's, or completed. */
  extend(claims: readonly Claim[], lease: number): Promise<boolean[]>;
  /** Gives back what is still the owner's. */
  release(claims: readonly Claim[]): Promise<void>;
  /** Without an acknowledgement, whoever has the claim. */
  complete(completions: readonly Completion[]): Promise<void>;
}
