import type { Claim, Completion } from '../../../core/completion.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import type { ClaimOutcome, Completions } from '../../../ports/completions.js';
import type { Statements } from '../connection/statements.js';
import { toStored } from '../sql/exact-text.js';
import { completionKey, formerCompletionKey } from './completion-key.js';
import { roundsOf } from './rounds.js';

/** Most keys of one statement. */
const AT_ONCE = 1000;

/**
 * Completes keys, each once, no matter which owner has them. A key that was completed before is
 * remembered for the longer of its two times.
 */
const COMPLETE = `
  insert into {schema}.completion as c (key, owner, expires_at, told)
  select key, null, statement_timestamp() + ttl * interval '1 ms', 'done'
  from unnest($1::text[], $2::float8[]) as w(key, ttl) order by key
  on conflict (key) do update set owner = null, told = 'done', expires_at = case
    when c.owner is null then greatest(c.expires_at, excluded.expires_at)
    else excluded.expires_at end`;

/** Keeps one row per key that is completed or claimed. */
export class PostgresCompletions implements Completions {
  constructor(
    private readonly database: Statements,
    private readonly keyPrefix: string,
  ) {}

  /** Of several claims for one key each is a statement after the one before. */
  async claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]> {
    const outcomes = new Array<ClaimOutcome | Error>(claims.length);
    const named = claims.map((claim, place) => ({ place, claim, key: this.keyOf(claim) }));
    for (const round of roundsOf(named, ({ key }) => key)) {
      for (const some of chunksOf(round, AT_ONCE)) {
        const answers = await this.claimSome(some, lease);
        for (const [at, { place }] of some.entries()) outcomes[place] = answers[at]!;
      }
    }
    return outcomes;
  }

  async extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    const kept = new Set<string>();
    for (const some of chunksOf(claims, AT_ONCE)) {
      const { rows } = await this.database.query<OwnedKey>(
        'extending claims',
        'select key, owner from {schema}.extend_completions($1, $2, $3)',
        [...this.ownedKeys(some), lease],
      );
      for (const row of rows) kept.add(identityOf(row));
    }
    return claims.map((claim) => kept.has(identityOf(this.owned(claim))));
  }

  async release(claims: readonly Claim[]): Promise<void> {
    for (const some of chunksOf(claims, AT_ONCE)) {
      await this.database.query(
        'releasing claims',
        'select {schema}.release_completions($1, $2)',
        this.ownedKeys(some),
      );
    }
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    const longest = new Map<string, number>();
    for (const { claim, ttl } of completions) {
      const key = completionKey(this.keyPrefix, claim);
      longest.set(key, Math.max(ttl, longest.get(key) ?? 0));
    }
    for (const some of chunksOf([...longest], AT_ONCE)) {
      const keys = some.map(([key]) => key);
      const times = some.map(([, ttl]) => ttl);
      await this.database.query('marking as completed', COMPLETE, [keys, times]);
    }
  }

  /** Keys that differ. Where the statement failed its fate is the same for all of them. */
  private async claimSome(
    some: readonly Named[],
    lease: number,
  ): Promise<(ClaimOutcome | Error)[]> {
    try {
      const { rows } = await this.database.query<{ told: ClaimOutcome }>(
        'claiming',
        'select told from {schema}.claim_completions($1, $2, $3, $4)',
        [
          some.map(({ key }) => key),
          some.map(({ claim }) => formerCompletionKey(this.keyPrefix, claim)),
          some.map(({ claim }) => toStored(claim.owner)),
          lease,
        ],
      );
      return rows.map(({ told }) => told);
    } catch (error) {
      return some.map(() => error as Error);
    }
  }

  private ownedKeys(claims: readonly Claim[]): [string[], string[]] {
    const owned = claims.map((claim) => this.owned(claim));
    return [owned.map(({ key }) => key), owned.map(({ owner }) => owner)];
  }

  private owned(claim: Claim): OwnedKey {
    return { key: this.keyOf(claim), owner: toStored(claim.owner) };
  }

  private keyOf(claim: Claim): string {
    return completionKey(this.keyPrefix, claim);
  }
}

interface Named {
  readonly key: string;
  readonly claim: Claim;
}

interface OwnedKey {
  readonly key: string;
  readonly owner: string;
}

const identityOf = ({ key, owner }: OwnedKey): string => JSON.stringify([key, owner]);
