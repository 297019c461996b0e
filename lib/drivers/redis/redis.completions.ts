import type {
  Claim,
  ClaimOutcome,
  Completion,
  CompletionKey,
  Completions,
} from '../../core/completions.js';
import { grouped } from '../../core/grouped.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import {
  claimKeys,
  completeKeys,
  extendKeys,
  KEYS_AT_ONCE,
  releaseKeys,
  type OwnedKey,
} from './scripts/completions.scripts.js';

/** One key for each, beside its stream. A stream's keys go to the server together. */
export class RedisCompletions implements Completions {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  /** Streams whose part of a cluster is away hold up no other. */
  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]> {
    return this.perStream<Claim, ClaimOutcome | Error>(claims, (some, key) =>
      this.commands
        .run('claiming', (client) => claimKeys(client, some.map(this.owned), lease), key)
        .catch((error: unknown) => some.map(() => error as Error)),
    );
  }

  extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    return this.perStream(claims, (some, key) =>
      this.commands.run(
        'extending claims',
        (client) => extendKeys(client, some.map(this.owned), lease),
        key,
      ),
    );
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.perStream<Claim, void>(claims, async (some, key) => {
      await this.commands.run(
        'releasing claims',
        (client) => releaseKeys(client, some.map(this.owned)),
        key,
      );
      return [];
    });
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    const done = completions.map(({ claim, ttl }) => ({ ...claim, ttl }));
    await this.perStream<(typeof done)[number], void>(done, async (some, key) => {
      const marks = some.map((one) => ({ key: this.keys.done(one), ttl: one.ttl }));
      await this.commands.run('marking', (client) => completeKeys(client, marks), key);
      return [];
    });
  }

  private readonly owned = (claim: Claim): OwnedKey => ({
    key: this.keys.done(claim),
    owner: `by ${claim.owner}`,
  });

  private async perStream<K extends CompletionKey, T>(
    items: readonly K[],
    carryOut: (some: readonly K[], key: string) => Promise<T[]>,
  ): Promise<T[]> {
    const places = items.map((item, place) => ({ item, place }));
    const results: T[] = [];
    const batches = [...grouped(places, ({ item }) => item.stream).values()].flatMap(chunks);
    await Promise.all(
      batches.map(async (batch) => {
        const some = batch.map(({ item }) => item);
        const answers = await carryOut(some, this.keys.done(some[0]!));
        for (const [index, answer] of answers.entries()) results[batch[index]!.place] = answer;
      }),
    );
    return results;
  }
}

export function chunks<T>(items: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let at = 0; at < items.length; at += KEYS_AT_ONCE)
    found.push(items.slice(at, at + KEYS_AT_ONCE));
  return found;
}
