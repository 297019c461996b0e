import type { Clock } from '../../../core/clock.js';
import type { ClaimOutcome } from '../../../ports/completions.js';
import type { Claim, Completion, CompletionKey } from '../../../core/completion.js';
import { ExpiringMap } from './expiring-map.js';

interface Kept {
  /** Undefined: the key was completed. */
  readonly owner: string | undefined;
}

/** The keys that the handlers of one stream have completed or work on. */
export class CompletedKeys {
  private readonly keys: ExpiringMap<Kept>;

  constructor(clock: Clock) {
    this.keys = new ExpiringMap(clock);
  }

  claim(claim: Claim, lease: number): ClaimOutcome {
    const before = this.formerly(claim);
    if (before && before.owner !== claim.owner) return before.owner === undefined ? 'done' : 'held';
    const found = this.find(claim);
    if (found && found.owner !== claim.owner) return found.owner === undefined ? 'done' : 'held';
    this.keep(claim, claim.owner, lease);
    return found ? 'own' : 'claimed';
  }

  extend(claim: Claim, lease: number): boolean {
    if (this.find(claim)?.owner !== claim.owner) return false;
    this.keep(claim, claim.owner, lease);
    return true;
  }

  release(claim: Claim): void {
    if (this.find(claim)?.owner === claim.owner) this.keys.delete(nameOf(claim));
  }

  isDone(key: CompletionKey): boolean {
    const found = this.find(key) ?? this.formerly(key);
    return found !== undefined && found.owner === undefined;
  }

  complete({ claim, ttl }: Completion): void {
    this.keep(claim, undefined, ttl);
  }

  private find(key: CompletionKey): Kept | undefined {
    return this.keys.get(nameOf(key));
  }

  private formerly({ formerly, ...key }: CompletionKey): Kept | undefined {
    return formerly === undefined ? undefined : this.find({ ...key, handler: formerly });
  }

  private keep(key: CompletionKey, owner: string | undefined, ttl: number): void {
    this.keys.set(nameOf(key), { owner }, ttl);
  }
}

const nameOf = ({ group, handler, key }: CompletionKey): string =>
  JSON.stringify([group, handler, key]);
