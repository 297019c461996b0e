import { asError } from '../../core/errors/error-record.js';
import { type ClaimOutcome, type Completions } from '../../ports/completions.js';
import { keyPart, type Claim, type Completion, type CompletionKey } from '../../core/completion.js';
import type { StateStore } from '../../ports/state-store.js';

const DONE = 'done';

/**
 * Completions in any state store. The store can compare and write only in two steps. A claim that
 * expires between the two steps of an extension or a release may already belong to another owner. A
 * lease much longer than a request to the store makes that unlikely.
 */
export class StateCompletions implements Completions {
  constructor(private readonly store: StateStore) {}

  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]> {
    return Promise.all(
      claims.map((claim) => this.claimOne(claim, lease).catch((error: unknown) => asError(error))),
    );
  }

  extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    return Promise.all(
      claims.map((claim) => this.ifOwn(claim, (key) => this.set(key, claim, lease))),
    );
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await Promise.all(claims.map((claim) => this.ifOwn(claim, (key) => this.store.delete(key))));
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
    if (found !== ownerOf(claim)) return 'held';
    await this.set(key, claim, lease);
    return 'own';
  }

  private async formerly({ formerly, ...claim }: Claim): Promise<string | undefined> {
    if (formerly === undefined) return undefined;
    return this.store.get(`${claim.stream}:done:${claim.group}:${formerly}:${claim.key}`);
  }

  private set(key: string, claim: Claim, lease: number): Promise<void> {
    return this.store.set(key, ownerOf(claim), lease);
  }

  private async ifOwn(claim: Claim, act: (key: string) => Promise<unknown>): Promise<boolean> {
    const key = nameOf(claim);
    if ((await this.store.get(key)) !== ownerOf(claim)) return false;
    await act(key);
    return true;
  }
}

/** Has the hash tag of the stream, for a store on a Redis Cluster. */
const nameOf = ({ stream, group, handler, key }: CompletionKey): string =>
  `${stream}:done:${keyPart(group)}:${keyPart(handler)}:${key}`;

const ownerOf = ({ owner }: Claim): string => `by ${owner}`;
