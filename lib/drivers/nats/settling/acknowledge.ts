import { systemClock } from '../../../core/clock.js';
import { NatsReplyError } from '../errors/nats-reply.error.js';
import type { NatsLease } from '../leases/nats.lease.js';
import type { Outcome, SettlingParts } from './settling-parts.js';

const ACTION = 'acknowledging';

/**
 * Acknowledges entries whose work is done, also those that another consumer has now: one message to the
 * server for each, and one answer for all.
 */
export async function acknowledge(
  leases: readonly NatsLease[],
  parts: SettlingParts,
): Promise<Outcome[]> {
  const now = systemClock.now();
  let client = parts.connection.live ?? (await parts.connection.client(ACTION));
  const noted: NatsLease[] = [];
  for (const lease of leases) {
    if (lease.replaced) continue;
    if (lease.revision === 0 && parts.leases.isFresh(lease, now)) client.publish(lease.ackSubject);
    else noted.push(lease);
  }
  const problems = noted.length > 0 ? await noteDone(noted, parts) : undefined;
  if (problems) {
    client = await parts.connection.client(ACTION);
    for (const lease of noted) if (!problems.has(lease)) client.publish(lease.ackSubject);
  }
  await parts.connection.flush(ACTION);
  return leases.map((lease): Outcome => {
    const problem = problems?.get(lease);
    if (!problem) lease.settled();
    return problem ?? 'settled';
  });
}

/**
 * Writes on record that entries are done, where another run has them or looks at the record later. Returns
 * those of which the server may not know.
 */
async function noteDone(
  leases: readonly NatsLease[],
  parts: SettlingParts,
): Promise<Map<NatsLease, Error>> {
  const problems = new Map<NatsLease, Error>();
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
  return problems;
}

function noteOne(lease: NatsLease, { records }: SettlingParts): Promise<void> {
  const { attempt: runs, token: by, consumerSequence: upTo, generation } = lease;
  return records.done(lease.key, { runs, by, upTo, generation });
}
