import type {
  Claim,
  ClaimOutcome,
  Completion,
  CompletionKey,
  Completions,
} from '../../core/completions.js';
import type { CompletedKeys } from './completed-keys.js';
import type { MemoryBroker } from './memory.broker.js';

/** What the handlers of a broker's streams have completed. */
export class MemoryCompletions implements Completions {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async claim(claims: readonly Claim[], lease: number): Promise<ClaimOutcome[]> {
    return claims.map((claim) => this.keysOf(claim).claim(claim, lease, this.now()));
  }

  async extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    return claims.map((claim) => this.keysOf(claim).extend(claim, lease, this.now()));
  }

  async release(claims: readonly Claim[]): Promise<void> {
    for (const claim of claims) this.keysOf(claim).release(claim, this.now());
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    for (const completion of completions)
      this.keysOf(completion.claim).complete(completion, this.now());
  }

  private keysOf({ stream }: CompletionKey): CompletedKeys {
    return this.broker.stream(this.keyPrefix + stream).completed;
  }

  private now(): number {
    return this.broker.clock.now();
  }
}
