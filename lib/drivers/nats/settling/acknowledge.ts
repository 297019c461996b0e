import { systemClock } from '../../../core/clock.js';
import { grouped } from '../../../core/collections/grouped.js';
import { NatsReplyError } from '../errors/nats-reply.error.js';
import type { NatsLease } from '../leases/nats.lease.js';
import { RefusedAcks } from './refused-acks.js';
import type { Outcome, SettlingParts } from './settling-parts.js';

const ACTION = 'acknowledging';

/** What failed of each lease. */
type Problems = Map<NatsLease, Error>;

/**
 * Acknowledges entries whose work is done, also those that another consumer has now: one message to the
 * server for each, and one answer for those of one stream that need no record, one for all that do.
 */
export async function acknowledge(
  leases: readonly NatsLease[],
  parts: SettlingParts,
): Promise<Outcome[]> {
  if (!parts.connection.live) await parts.connection.client(ACTION);
  const now = systemClock.now();
  const plain: NatsLease[] = [];
  const noted: NatsLease[] = [];
  for (const lease of leases) {
    if (lease.replaced) continue;
    const isPlain = lease.revision === 0 && parts.leases.isFresh(lease, now);
    (isPlain ? plain : noted).push(lease);
  }
  const problems: Problems = new Map();
  const refused = new RefusedAcks(parts.connection);
  try {
    await Promise.all([
      ...[...grouped(plain, ({ reading }) => reading).values()].map((same) =>
        confirm(same, parts, problems),
      ),
      noted.length > 0 && noteAndSend(noted, parts, problems),
    ]);
  } finally {
    refused.end();
  }
  return leases.map((lease): Outcome => {
    const problem = problems.get(lease) ?? refused.of(lease);
    if (!problem) lease.settled();
    return problem ?? 'settled';
  });
}

/**
 * Acknowledges entries of one durable, which handles them in their order and answers the last one. A server
 * that stops still answers other questions when it hears no acknowledgements any more.
 */
async function confirm(
  leases: readonly NatsLease[],
  parts: SettlingParts,
  problems: Problems,
): Promise<void> {
  const { connection } = parts;
  const last = leases.at(-1)!;
  try {
    await connection.send(
      ACTION,
      (client) => {
        for (const lease of leases) if (lease !== last) client.publish(lease.ackSubject);
      },
      last.ackSubject,
    );
  } catch (error) {
    // The durable is gone, or has no leader, or is another one. The record tells the next run.
    if (connection.live) return noteAndSend(leases, parts, problems);
    for (const lease of leases) problems.set(lease, error as Error);
  }
}

/** Writes on record that entries are done, where another run has them or looks at the record later. */
async function noteAndSend(
  leases: readonly NatsLease[],
  parts: SettlingParts,
  problems: Problems,
): Promise<void> {
  await Promise.all(
    leases.map(async (lease) => {
      try {
        await lease.inTurn(() => noteOne(lease, parts));
      } catch (error) {
        // An acknowledgement is carried out also where the server stores nothing more.
        if (!(error instanceof NatsReplyError)) problems.set(lease, error as Error);
      }
    }),
  );
  const done = leases.filter((lease) => !problems.has(lease));
  if (done.length === 0) return;
  try {
    await parts.connection.send(ACTION, (client) => {
      for (const { ackSubject } of done) client.publish(ackSubject);
    });
  } catch (error) {
    for (const lease of done) problems.set(lease, error as Error);
  }
}

function noteOne(lease: NatsLease, { records }: SettlingParts): Promise<void> {
  const { attempt: runs, token: by, consumerSequence: upTo, generation } = lease;
  return records.done(lease.key, { runs, by, upTo, generation });
}
