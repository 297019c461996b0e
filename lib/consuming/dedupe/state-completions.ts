import { asError } from '../../core/errors/error-record.js';
import { type ClaimOutcome, type Completions } from '../../ports/completions.js';
import { keyPart, type Claim, type Completion, type CompletionKey } from '../../core/completion.js';
import type { StateStore } from '../../ports/state-store.js';

const DONE = 'done';

/** A key that its owner has given back. It is free, and expires at once. */
const FREE = 'free';

/** Completions in any state store. */
export class StateCompletions implements Completions {
  constructor(private readonly store: StateStore) {}

  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]> {
    return Promise.all(
      claims.map((claim) => this.claimOne(claim, lease).catch((error: unknown) => asError(error))),
    );
  }

  extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    return Promise.all(claims.map((claim) => this.replace(claim, ownerOf(claim), lease)));
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await Promise.all(claims.map((claim) => this.replace(claim, FREE, 1)));
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    await Promise.all(
      completions.map(({ claim, ttl }) => this.store.set(nameOf(claim), DONE, ttl)),
    );
  }

  private async claimOne(claim: Claim, lease: number): Promise<ClaimOutcome> {
    const key = nameOf(claim);
    const former = await this.formerly(claim);
    if (former === DONE) return 'done';
    if (former !== undefined && former !== ownerOf(claim)) return 'held';
    if (await this.store.setIfAbsent(key, ownerOf(claim), lease)) return 'claimed';
    const found = await this.store.get(key);
    if (found === DONE) return 'done';
    if (found !== undefined && found !== FREE && found !== ownerOf(claim)) return 'held';
    if (!(await this.store.compareAndSet(key, found, ownerOf(claim), lease))) return 'held';
    return found === ownerOf(claim) ? 'own' : 'claimed';
  }

  private async formerly({ formerly, ...claim }: Claim): Promise<string | undefined> {
    if (formerly === undefined) return undefined;
    return this.store.get(`${claim.stream}:done:${claim.group}:${formerly}:${claim.key}`);
  }

  /** Returns false where the owner has the key no more. */
  private replace(claim: Claim, value: string, ttl: number): Promise<boolean> {
    return this.store.compareAndSet(nameOf(claim), ownerOf(claim), value, ttl);
  }
}

/** Has the hash tag of the stream, for a store on a Redis Cluster. */
const nameOf = ({ stream, group, handler, key }: CompletionKey): string =>
  `${stream}:done:${keyPart(group)}:${keyPart(handler)}:${key}`;

const ownerOf = ({ owner }: Claim): string => `by ${owner}`;
