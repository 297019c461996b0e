import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { Ack, SettleOutcome } from '../../../core/settlement.js';
import type { DeadLetterQueue } from '../../../ports/dead-letters.js';
import type { MessageSource, Settling } from '../../../ports/source.js';
import { ownLease, type CoreLease } from './core.lease.js';

export interface CoreSettlingParts {
  readonly publishing: Pick<MessageSource, 'publish'>;
  /** Where dead letters go. Undefined: none come here. */
  readonly deadLetters?: Pick<DeadLetterQueue, 'put'> | undefined;
}

type Outcome = SettleOutcome | Error;

/** Carries out a settlement. Most of it happens in this process: the server keeps nothing. */
export async function settleOne(
  settling: Settling,
  { publishing, deadLetters }: CoreSettlingParts,
): Promise<Outcome> {
  const lease = ownLease(settling.lease);
  if ('record' in settling) return giveUp(lease, settling.record, deadLetters);
  const { settlement } = settling;
  switch (settlement.kind) {
    case 'ack':
      return settlement.publish?.length ? acknowledge(lease, settlement, publishing) : end(lease);
    case 'retry':
      return lease.park(settlement.uncharged);
    case 'release':
      return settlement.elsewhere ? lease.offer() : lease.release();
    case 'leave':
      return new Error('core NATS leaves no message pending');
  }
}

async function giveUp(
  lease: CoreLease,
  record: DeadLetterRecord,
  deadLetters: CoreSettlingParts['deadLetters'],
): Promise<Outcome> {
  if (!lease.held) return 'gone';
  await deadLetters?.put(record, lease.received);
  return lease.end() ? 'settled' : 'gone';
}

/** The work is done, no matter how often that is said. */
function end(lease: CoreLease): Outcome {
  lease.end();
  return 'settled';
}

/** Publishes what is not published yet, then acknowledges. */
async function acknowledge(
  lease: CoreLease,
  { publish = [] }: Ack,
  publishing: CoreSettlingParts['publishing'],
): Promise<Outcome> {
  if (!lease.held) return 'gone';
  const places = [...publish.keys()].filter((place) => !lease.published.has(place));
  const results = await publishing.publish(places.map((place) => publish[place]!));
  for (const [at, result] of results.entries()) {
    if (!(result instanceof Error)) lease.published.add(places[at]!);
  }
  const error = results.find((result) => result instanceof Error);
  return error ?? (lease.end() ? 'settled' : 'gone');
}
