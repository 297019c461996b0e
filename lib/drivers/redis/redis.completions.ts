import type { Redis } from 'ioredis';
import type { Claim, ClaimOutcome, Completion, Completions } from '../../core/completions.js';
import { grouped } from '../../core/grouped.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import {
  claimKeys,
  completeKeys,
  extendKeys,
  KEYS_AT_ONCE,
  releaseKeys,
} from './scripts/completions.scripts.js';

/** One key for each, beside its stream. A stream's keys go to the server together. */
export class RedisCompletions implements Completions {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  /** Streams whose part of a cluster is away hold up no other. */
  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]> {
    return this.byOwner<ClaimOutcome | Error>(claims, (keys, owner) =>
      this.commands
        .run('claiming', (client) => claimKeys(client, keys, owner, lease), keys[0]!)
        .catch((error: unknown) => keys.map(() => error as Error)),
    );
  }

  extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    return this.byOwner(claims, (keys, owner) =>
      this.commands.run(
        'extending claims',
        (client) => extendKeys(client, keys, owner, lease),
        keys[0]!,
      ),
    );
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.byOwner<void>(claims, async (keys, owner) => {
      const release = (client: Redis) => releaseKeys(client, keys, owner);
      await this.commands.run('releasing claims', release, keys[0]!);
      return [];
    });
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    const streams = grouped(completions, ({ claim }) => claim.stream).values();
    await Promise.all(
      [...streams].flatMap(chunks).map((some) => {
        const done = some.map(({ claim, ttl }) => ({ key: this.keys.done(claim), ttl }));
        const mark = (client: Redis) => completeKeys(client, done);
        return this.commands.run('marking as completed', mark, done[0]!.key);
      }),
    );
  }

  /** Scripts know one owner, and on a cluster one stream. */
  private async byOwner<T>(
    claims: readonly Claim[],
    carryOut: (keys: readonly string[], owner: string) => Promise<T[]>,
  ): Promise<T[]> {
    const places = claims.map((_, place) => place);
    const scripts = isOne(claims)
      ? [places]
      : grouped(places, (place) => JSON.stringify(whose(claims[place]!))).values();
    const results: T[] = [];
    await Promise.all(
      [...scripts].flatMap(chunks).map(async (some) => {
        const keys = some.map((place) => this.keys.done(claims[place]!));
        const answers = await carryOut(keys, ownerOf(claims[some[0]!]!));
        for (const [index, answer] of answers.entries()) results[some[index]!] = answer;
      }),
    );
    return results;
  }
}

const whose = ({ stream, owner }: Claim): readonly string[] => [stream, owner];

/** As nearly always. */
function isOne(claims: readonly Claim[]): boolean {
  const first = claims[0]!;
  return claims.every(({ stream, owner }) => stream === first.stream && owner === first.owner);
}

/** Not to be taken for the mark of what was completed. */
const ownerOf = ({ owner }: Claim): string => `by ${owner}`;

/** What one script takes at a time. */
export function chunks<T>(items: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let at = 0; at < items.length; at += KEYS_AT_ONCE)
    found.push(items.slice(at, at + KEYS_AT_ONCE));
  return found;
}
