import type { OutgoingEntry } from '../../../core/message.js';
import type { Ack, SettleOutcome } from '../../../core/settlement.js';
import type { MessageSource } from '../../../ports/source.js';
import { DONE } from '../completions/done-keys.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';
import { extendLeases } from '../held-entries/leasing.js';
import type { RedisLease } from '../held-entries/redis.lease.js';
import { onceArguments, type IdempotentEntry } from '../publishing/publishing-once.js';
import { publishOnce } from '../publishing/publish-once.script.js';
import { asWritten } from '../scripting/stored-fields.js';
import { publishTogether } from './ack-with-publish.js';

/**
 * How long steps that a run has published are known after the last run may have begun, in
 * milliseconds: the run may take its time.
 */
const LAST_RUN = 3_600_000;

export interface SettlingContext {
  readonly commands: Commands;
  readonly keys: Keys;
  /**
   * Publishes, or stores for later, messages that cannot be in the same step as the
   * acknowledgement.
   */
  readonly publish: MessageSource['publish'];
}

/**
 * For a cluster, where no script reaches the streams of the messages that follow, and for messages
 * with bytes that are no UTF-8.
 */
export async function publishApartFirst(
  lease: RedisLease,
  { publish = [], completes }: Ack,
  context: SettlingContext,
): Promise<SettleOutcome> {
  const { commands, keys } = context;
  if (!completes || !(await isDone(commands, keys.done(completes.claim)))) {
    const obstacle = await publishApart(lease, publish, context);
    if (obstacle) return obstacle;
  }
  const [outcome] = await publishTogether(
    [{ lease, settlement: { kind: 'ack', completes } }],
    context,
  );
  if (outcome instanceof Error) throw outcome;
  return outcome!;
}

/**
 * A message that was completed before has published what follows. A run that does so now has the
 * claim.
 */
const isDone = async (commands: Commands, key: string): Promise<boolean> =>
  (await commands.run('looking for a completion', (client) => client.get(key), key)) === DONE;

/**
 * Where one script cannot do both: checks, publishes, and leaves the acknowledgement
 * for later. A later run of the message, or another try, does not publish a step again.
 */
async function publishApart(
  lease: RedisLease,
  entries: readonly OutgoingEntry[],
  context: SettlingContext,
): Promise<SettleOutcome | undefined> {
  const { commands, publish } = context;
  const [word] = await extendLeases(commands, [lease]);
  if (word === 'lost' || (word === 'gone' && !lease.trimmed)) return word;
  const { group, id } = lease.fence;
  const window = lease.holder.runsWithin + LAST_RUN;
  const once = entries.map((entry, step) => {
    const key = `${lease.source.key}/${id}/${group}/${step}`;
    return { ...entry, idempotency: entry.idempotency ?? { key, window } };
  });
  const results = once.some(({ hasBytes }) => hasBytes)
    ? await Promise.all(once.map((entry) => publishBytes(entry, context)))
    : await publish(once);
  const refused = results.find((result) => result instanceof Error);
  if (refused) throw refused;
  return undefined;
}

/** The publisher writes texts. */
async function publishBytes(
  entry: IdempotentEntry,
  { commands, keys }: SettlingContext,
): Promise<unknown> {
  const [of, [window, ...fields]] = onceArguments(keys, entry);
  const args = [window!, ...fields.map((field) => asWritten(String(field)))];
  return commands
    .run('forwarding a dead letter', (client) => publishOnce.run(client, of, args), of[0]!)
    .catch((error: unknown) => error);
}
