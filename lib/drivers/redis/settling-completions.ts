import type { Completion } from '../../core/completions.js';
import { grouped } from '../../core/grouped.js';
import type { SettleOutcome } from '../../core/settlement.js';
import type { Settling } from '../../core/source.js';
import type { Commands } from './commands.js';
import type { Keys } from './keys.js';
import { chunks } from './redis.completions.js';
import type { RedisLease } from './redis.lease.js';
import { ackAndComplete } from './scripts/completions.scripts.js';

export const completionOf = ({ settlement }: Settling): Completion | undefined =>
  settlement.kind === 'ack' ? settlement.completes : undefined;

/** Acknowledges, and marks as completed, in one step each. The work is done, as with plain acks: no fence. */
export async function completeAll(
  batch: readonly Settling[],
  { commands, keys }: { readonly commands: Commands; readonly keys: Keys },
): Promise<(SettleOutcome | Error)[]> {
  const items = batch.map((settling, place) => ({
    place,
    lease: settling.lease as RedisLease,
    completion: completionOf(settling)!,
  }));
  const outcomes: (SettleOutcome | Error)[] = [];
  const sources = grouped(items, ({ lease }) => lease.source).values();
  const times = [...sources].flatMap((same) => [
    ...grouped(same, ({ completion }) => completion.ttl).values(),
  ]);
  await Promise.all(
    times.flatMap(chunks).map(async (some) => {
      const { lease, completion } = some[0]!;
      const { source, holder } = lease;
      const acks = {
        key: source.key,
        group: holder.group,
        redriven: source.redriven,
        ttl: completion.ttl,
        ids: some.map((one) => one.lease.entryId),
        done: some.map((one) => keys.done(one.completion.claim)),
        guards: holder.guards,
      };
      const outcome = await commands
        .run('acknowledging', (client) => ackAndComplete(client, acks), source.key)
        .then(
          (word) => word,
          (error: unknown) => error as Error,
        );
      for (const one of some) {
        outcomes[one.place] = outcome;
        if (outcome === 'settled') holder.settled(one.lease);
      }
    }),
  );
  return outcomes;
}
