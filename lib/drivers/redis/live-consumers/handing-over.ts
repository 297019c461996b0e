import type { EventBus } from '../../../core/event-bus.js';
import { grouped } from '../../../core/collections/grouped.js';
import type { Lease } from '../../../core/lease.js';
import type { HandOverOutcome, Receiver } from '../../../ports/live-consumers.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import type { RedisLease } from '../held-entries/redis.lease.js';
import { HAND_OVER_AT_ONCE, handOver } from './hand-over.script.js';

/** An entry that is to be handed to another consumer. */
export interface HandableEntry {
  readonly lease: Lease;
  readonly eventType: string;
}

interface HandingContext {
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
}

type Outcome = HandOverOutcome | Error;

/** Hands over entries of one stream, many in one script. */
export async function handOverAll(
  entries: readonly HandableEntry[],
  to: Receiver,
  maxWaiting: number,
  context: HandingContext,
): Promise<Outcome[]> {
  const outcomes = new Map<HandableEntry, Outcome>();
  for (const same of grouped(entries, ({ lease }) => (lease as RedisLease).source.key).values()) {
    for (const some of chunksOf(same, HAND_OVER_AT_ONCE)) {
      const found = await handOverSome(some, to, maxWaiting, context);
      for (const [index, entry] of some.entries()) outcomes.set(entry, found[index]!);
    }
  }
  return entries.map((entry) => outcomes.get(entry)!);
}

/** Hands over entries of one key. */
async function handOverSome(
  entries: readonly HandableEntry[],
  to: Receiver,
  maxWaiting: number,
  { commands, keys, events }: HandingContext,
): Promise<Outcome[]> {
  const { source, holder } = entries[0]!.lease as RedisLease;
  const { key, stream, redriven } = source;
  const { group, consumer } = holder;
  const handing = {
    ...{ key, stream, group, consumer, to, maxWaiting },
    kind: redriven ? ('r' as const) : ('s' as const),
    consumers: keys.consumers(stream, group),
    handed: keys.handed(stream, group),
    channel: keys.handedChannel(group, to.consumer),
    entries: entries.map(({ lease, eventType }) => ({
      id: (lease as RedisLease).entryId,
      count: lease.attempt,
      keep: lease.charged ? lease.attempt - 1 : lease.attempt,
      eventType,
    })),
  };
  try {
    const words = await commands.run(
      'handing entries over',
      (client) => handOver(client, handing),
      key,
    );
    const trimmed = words.filter((word) => word === 'trimmed').length;
    if (trimmed > 0) events.emit('trimmed', { stream, group, count: trimmed });
    return words.map((word) => (word === 'trimmed' ? 'gone' : word));
  } catch (error) {
    return entries.map(() => error as Error);
  }
}
