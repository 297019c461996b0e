import type { ClaimOutcome, Completions } from '../../ports/completions.js';
import type { Claim, Completion, CompletionKey } from '../../core/completion.js';
import type { CompletedKeys } from './broker/completed-keys.js';
import type { MemoryBroker } from './broker/memory.broker.js';

/** The completed keys of a broker's streams. */
export class MemoryCompletions implements Completions {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async claim(claims: readonly Claim[], lease: number): Promise<ClaimOutcome[]> {
    return claims.map((claim) => this.keysOf(claim).claim(claim, lease));
  }

  async extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    return claims.map((claim) => this.keysOf(claim).extend(claim, lease));
  }

  async release(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) this.keysOf(claim).release(claim);
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    for (const completion of completions) this.keysOf(completion.claim).complete(completion);
  }

  private keysOf({ stream }: CompletionKey): CompletedKeys {
    return this.broker.stream(this.keyPrefix + stream).completed;
  }
}
