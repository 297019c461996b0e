import type { Redis } from 'ioredis';
import type { ClaimOutcome, Completions } from '../../../ports/completions.js';
import type { Claim, Completion, CompletionKey } from '../../../core/completion.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import { grouped } from '../../../core/collections/grouped.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { claimKeys } from './claim-keys.script.js';
import { completeKeys } from './complete-keys.script.js';
import { KEYS_AT_ONCE, type DoneKeys } from './done-keys.js';
import { extendKeys } from './extend-keys.script.js';
import { releaseKeys } from './release-keys.script.js';

/**
 * Stores one key per completion, beside its stream. The keys of one stream go to the server
 * together.
 */
export class RedisCompletions implements Completions {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  /** Streams on an unreachable part of a cluster do not delay the others. */
  claim(claims: readonly Claim[], lease: number): Promise<(ClaimOutcome | Error)[]> {
    return this.byHandler<ClaimOutcome | Error>(claims, (done, owner, key) =>
      this.commands
        .run('claiming', (client) => claimKeys(client, { done, owner, lease }), key)
        .catch((error: unknown) => done.names.map(() => error as Error)),
    );
  }

  extend(claims: readonly Claim[], lease: number): Promise<boolean[]> {
    return this.byHandler(claims, async (done, owner, key) => {
      const words = await this.commands.run(
        'extending claims',
        (client) => extendKeys(client, { done, owner, lease }),
        key,
      );
      return words.map((word) => word === 'kept');
    });
  }

  async release(claims: readonly Claim[]): Promise<void> {
    await this.byHandler<void>(claims, async (done, owner, key) => {
      const release = (client: Redis) => releaseKeys(client, { done, owner });
      await this.commands.run('releasing claims', release, key);
      return [];
    });
  }

  async complete(completions: readonly Completion[]): Promise<void> {
    const streams = grouped(completions, ({ claim }) => claim.stream).values();
    await Promise.all(
      [...streams].flatMap(atOnce).map((some) => {
        const done = some.map(({ claim, ttl }) => ({ key: this.keys.done(claim), ttl }));
        const mark = (client: Redis) => completeKeys(client, done);
        return this.commands.run('marking as completed', mark, done[0]!.key);
      }),
    );
  }

  /** A script takes one owner, and keys with one prefix beside one stream. */
  private async byHandler<T>(
    claims: readonly Claim[],
    carryOut: (done: DoneKeys, owner: string, key: string) => Promise<T[]>,
  ): Promise<T[]> {
    const places = claims.map((_, place) => place);
    const scripts = isOne(claims)
      ? [places]
      : grouped(places, (place) => JSON.stringify(whose(claims[place]!))).values();
    const results: T[] = [];
    await Promise.all(
      [...scripts].flatMap(atOnce).map(async (some) => {
        const first = claims[some[0]!]!;
        const names = some.map((place) => claims[place]!.key);
        const former = this.keys.formerDoneOf(first);
        const done = { prefix: this.keys.doneOf(first), former, names };
        const answers = await carryOut(done, ownerOf(first), this.keys.done(first));
        for (let at = 0; at < answers.length; at++) results[some[at]!] = answers[at]!;
      }),
    );
    return results;
  }
}

const whose = (claim: Claim): readonly unknown[] => [
  claim.stream,
  claim.group,
  claim.handler,
  claim.formerly,
  claim.owner,
];

/** The usual case. */
function isOne(claims: readonly Claim[]): boolean {
  const first = claims[0]!;
  return claims.every((claim) => claim.owner === first.owner && isOfOneHandler(claim, first));
}

/** Whether the keys of both have the same prefix. */
export const isOfOneHandler = (one: CompletionKey, other: CompletionKey): boolean =>
  one.handler === other.handler &&
  one.formerly === other.formerly &&
  one.stream === other.stream &&
  one.group === other.group;

/** Splits into the portions that one script takes. */
export const atOnce = <T>(items: readonly T[]): T[][] => chunksOf(items, KEYS_AT_ONCE);

/** The prefix tells an owner from the mark of a completed key. */
const ownerOf = ({ owner }: Claim): string => `by ${owner}`;
