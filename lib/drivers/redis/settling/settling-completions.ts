import type { Completion } from '../../../core/completion.js';
import type { SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { atOnce, isOfOneHandler } from '../completions/redis.completions.js';
import type { RedisLease } from '../held-entries/redis.lease.js';
import { ackAndComplete } from './ack-and-complete.script.js';

export const completionOf = ({ settlement }: Settling): Completion | undefined =>
  settlement.kind === 'ack' ? settlement.completes : undefined;

/**
 * Acknowledges, and marks as completed, in one step each. The work is done, as with plain
 * acknowledgements: no fence.
 */
export async function completeAll(
  batch: readonly Settling[],
  { commands, keys }: { readonly commands: Commands; readonly keys: Keys },
): Promise<(SettleOutcome | Error)[]> {
  const outcomes = new Array<SettleOutcome | Error>(batch.length);
  const acknowledge = async (places: readonly number[]): Promise<void> => {
    const leases = places.map((place) => batch[place]!.lease as RedisLease);
    const completions = places.map((place) => completionOf(batch[place]!)!);
    const { source, holder } = leases[0]!;
    const names = completions.map(({ claim }) => claim.key);
    const acks = {
      key: source.key,
      group: holder.group,
      redriven: source.redriven,
      ttl: completions[0]!.ttl,
      ids: leases.map(({ entryId }) => entryId),
      done: { prefix: keys.doneOf(completions[0]!.claim), names },
      guards: holder.guards,
    };
    const outcome = await commands
      .run('acknowledging', (client) => ackAndComplete(client, acks), source.key)
      .catch((error: unknown) => error as Error);
    for (const place of places) outcomes[place] = outcome;
    if (outcome === 'settled') holder.settled(leases);
  };
  await Promise.all(alike(batch).flatMap(atOnce).map(acknowledge));
  return outcomes;
}

/**
 * Indexes of what one script can carry out: of one key and one handler, and remembered for the same
 * time.
 */
function alike(batch: readonly Settling[]): number[][] {
  const kinds: { readonly of: Settling; readonly places: number[] }[] = [];
  for (let place = 0; place < batch.length; place++) {
    const settling = batch[place]!;
    const kind = kinds.find(({ of }) => isAlike(of, settling));
    if (kind) kind.places.push(place);
    else kinds.push({ of: settling, places: [place] });
  }
  return kinds.map(({ places }) => places);
}

function isAlike(one: Settling, other: Settling): boolean {
  const [mine, yours] = [completionOf(one)!, completionOf(other)!];
  return (
    mine.ttl === yours.ttl &&
    (one.lease as RedisLease).source === (other.lease as RedisLease).source &&
    isOfOneHandler(mine.claim, yours.claim)
  );
}
