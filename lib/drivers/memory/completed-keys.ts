import type { Claim, ClaimOutcome, Completion, CompletionKey } from '../../core/completions.js';

interface Kept {
  /** Undefined: it was completed. */
  readonly owner: string | undefined;
  readonly until: number;
}

/** So many keys are not worth looking through. */
const FEW = 100;

/** What one stream's handlers have completed, and what they work on. */
export class CompletedKeys {
  private readonly keys = new Map<string, Kept>();
  private sweepAt = FEW;

  claim(claim: Claim, lease: number, now: number): ClaimOutcome {
    const found = this.find(claim, now);
    if (found && found.owner !== claim.owner) return found.owner === undefined ? 'done' : 'held';
    this.keep(claim, { owner: claim.owner, until: now + lease }, now);
    return found ? 'own' : 'claimed';
  }

  extend(claim: Claim, lease: number, now: number): boolean {
    if (this.find(claim, now)?.owner !== claim.owner) return false;
    this.keep(claim, { owner: claim.owner, until: now + lease }, now);
    return true;
  }

  release(claim: Claim, now: number): void {
    if (this.find(claim, now)?.owner === claim.owner) this.keys.delete(nameOf(claim));
  }

  isDone(key: CompletionKey, now: number): boolean {
    const found = this.find(key, now);
    return found !== undefined && found.owner === undefined;
  }

  complete({ claim, ttl }: Completion, now: number): void {
    this.keep(claim, { owner: undefined, until: now + ttl }, now);
  }

  private find(key: CompletionKey, now: number): Kept | undefined {
    const found = this.keys.get(nameOf(key));
    return found && found.until > now ? found : undefined;
  }

  private keep(key: CompletionKey, kept: Kept, now: number): void {
    this.keys.set(nameOf(key), kept);
    // Keys that nobody asks for again have to go, too: looked for whenever their number has doubled.
    if (this.keys.size < this.sweepAt) return;
    for (const [name, { until }] of this.keys) if (until <= now) this.keys.delete(name);
    this.sweepAt = Math.max(FEW, 2 * this.keys.size);
  }
}

const nameOf = ({ group, handler, key }: CompletionKey): string =>
  JSON.stringify([group, handler, key]);
