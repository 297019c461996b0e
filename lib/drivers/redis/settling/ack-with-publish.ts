import { compareEntryIds } from '../../entry-ids/entry-id.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { Completion } from '../../../core/completion.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { Ack, SettleOutcome } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import { chunksOf } from '../../../core/collections/chunks.js';
import { charactersOf, MOST_CHARACTERS } from '../scripting/script-size.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import type { RedisLease } from '../held-entries/redis.lease.js';
import { typedError } from '../errors/reply-errors.js';
import { ackAndPublish, PUBLISH_AT_ONCE, type Publishing } from './ack-and-publish.script.js';

type Outcome = SettleOutcome | Error;

interface PublishingContext {
  readonly commands: Commands;
  readonly keys: Keys;
}

/** Whether one script can publish the messages that follow and acknowledge the entry. */
export function isPublishedTogether(
  { lease, settlement }: Settling,
  { commands, keys }: PublishingContext,
): boolean {
  if (settlement.kind !== 'ack' || settlement.publish?.some(hasBytes)) return false;
  if (!commands.topology) return true;
  const { key } = (lease as RedisLease).source;
  const streams = settlement.publish?.map(({ stream }) => keys.stream(stream)) ?? [];
  return commands.together([key, ...streams]);
}

/** The one script takes texts. */
const hasBytes = (entry: OutgoingEntry): boolean => entry.hasBytes === true;

/** Carries out acknowledgements that publish, all of one key. */
export async function publishTogether(
  batch: readonly Settling[],
  context: PublishingContext,
): Promise<Outcome[]> {
  const leases = batch.map(({ lease }) => lease as RedisLease);
  const outcomes = new Array<Outcome>(batch.length);
  const messages = batch.map(
    ({ settlement }, index) => new Message(index, leases[index]!, settlement as Ack),
  );
  const parts = chunksOf(messages, PUBLISH_AT_ONCE, costOf, MOST_CHARACTERS);
  await Promise.all(parts.map((part) => publishPart(leases[0]!, part, outcomes, context)));
  const settled = leases.filter((_, index) => outcomes[index] === 'settled');
  settled[0]?.holder.settled(settled);
  // Their records are gone, so a second try has nothing to settle.
  for (const lease of settled) lease.trimmed = false;
  return outcomes;
}

/** The cost of an entry at the server, in characters that cost as much. */
const EACH_ENTRY = 2500;

function costOf({ entries }: Message): number {
  let cost = 0;
  for (const entry of entries) cost += EACH_ENTRY + charactersOf(entry);
  return cost;
}

async function publishPart(
  lease: RedisLease,
  part: readonly Message[],
  outcomes: Outcome[],
  context: PublishingContext,
): Promise<void> {
  const { commands, keys } = context;
  const { key, redriven } = lease.source;
  const { group, consumer, guards } = lease.holder;
  const run = { key, group, consumer, guards, redriven };
  const action = 'publishing the next step';
  try {
    const words = await commands.run(
      action,
      (client) => ackAndPublish(client, run, rangeOf(part), part, keys),
      key,
    );
    for (let at = 0; at < part.length; at++) {
      const word = words[at]!;
      outcomes[part[at]!.index] = word instanceof Error ? typedError(word, action, key) : word;
    }
  } catch (error) {
    for (const { index } of part) outcomes[index] = error as Error;
    if (part.length === 1 || !(error instanceof PermissionDeniedError)) return;
    // A target that this user may not touch must not hold up other targets.
    for (const message of part) await publishPart(lease, [message], outcomes, context);
  }
}

/** A class, because there is one for each waiting message: see docs/decisions/0015. */
class Message implements Publishing {
  readonly id: string;
  readonly count: number;
  readonly unfenced: boolean;
  readonly entries: readonly OutgoingEntry[];
  readonly completes: Completion | undefined;

  constructor(
    readonly index: number,
    lease: RedisLease,
    { publish = [], completes }: Ack,
  ) {
    this.id = lease.entryId;
    this.count = lease.attempt;
    this.unfenced = lease.trimmed;
    this.entries = publish;
    this.completes = completes;
  }
}

function rangeOf(messages: readonly Publishing[]): [string, string] {
  let [first, last] = [messages[0]!.id, messages[0]!.id];
  for (const { id } of messages) {
    if (compareEntryIds(id, first) < 0) first = id;
    if (compareEntryIds(id, last) > 0) last = id;
  }
  return [first, last];
}
