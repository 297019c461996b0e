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
 * - Stream, group, handler and key together name the work: keys that differ in one of them are
 *   different keys. Each part may be any text, with colons and percent signs, too.
 * - A completion, or a claim of another owner, under the name `formerly` counts. A claim of this
 *   owner under that name is no hindrance: the key is `claimed` under its new name.
 *
 * A driver that has this port carries out `Ack.completes` in one step with the acknowledgement:
 * - The acknowledgement may be repeated, and returns `settled` each time. That of a redriven message
 *   completes its key, too.
 * - With `publish`: the acknowledgement that completes the key publishes. Where the key is completed
 *   already, the entry is acknowledged and nothing is published. Where another run has the entry,
 *   the outcome is `lost`, and the key is not completed.
 *
 * Not its job: extending in time, and deciding who waits.
 */
export interface Completions {
  /**
   * Each claim is one step. Returns one outcome per claim, in order, or an Error where the outcome
   * is unknown. Such a claim may have been taken, and is then the owner's `own`. Any number of
   * claims; of several for one key the first one wins. A completed key is `done` for every owner.
   * @param lease in milliseconds
   */
  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]>;
  /**
   * Keeps claims for another `lease`. Returns one answer per claim, in order: false for a claim that
   * has expired, that another owner has, or whose key is completed.
   * @param lease in milliseconds
   */
  extend(claims: readonly Claim[], lease: number): Promise<boolean[]>;
  /**
   * Gives back the claims that this owner still has. Claims of other owners and completed keys stay
   * as they are.
   */
  release(claims: readonly Claim[]): Promise<void>;
  /** Completes keys without an acknowledgement, no matter which owner has the claim. */
  complete(completions: readonly Completion[]): Promise<void>;
}
