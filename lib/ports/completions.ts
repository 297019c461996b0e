import type { Claim, Completion } from '../core/completion.js';

/**
 * What came of a claim.
 * - `claimed`: the owner has it now; no other owner may begin.
 * - `own`: it was this owner's before, and is extended.
 * - `held`: another owner works on the key.
 * - `done`: the key was completed.
 */
export type ClaimOutcome = 'claimed' | 'own' | 'held' | 'done';

/**
 * Optional port: records which keys were handled, so that none is handled again. A claim lasts for
 * its lease, by the store's clock, unless it is extended. A completion lasts for its `ttl`. The
 * first completion wins: nothing makes a completed key open again.
 *
 * A driver that has this port carries out `Ack.completes` in one step with the acknowledgement.
 *
 * Not its job: extending in time, and deciding who waits.
 */
export interface Completions {
  /**
   * Each claim is one step. Returns one outcome per claim, or an Error where the outcome is
   * unknown. Such a claim may have been taken, and is then the owner's `own`.
   * @param lease in milliseconds
   */
  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]>;
  /**
   * Returns false for a claim that has expired, that another owner has, or whose key is completed.
   */
  extend(claims: readonly Claim[], lease: number): Promise<boolean[]>;
  /** Gives back the claims that this owner still has. */
  release(claims: readonly Claim[]): Promise<void>;
  /** Completes keys without an acknowledgement, no matter which owner has the claim. */
  complete(completions: readonly Completion[]): Promise<void>;
}
