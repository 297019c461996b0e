import { grouped } from '../../../core/collections/grouped.js';
import type { Settling } from '../../../ports/source.js';
import { sqlStateOf } from '../errors/typed-error.js';
import type { Outcome, SettlingParts } from './settling-parts.js';
import { inOrder, type PostgresLease } from '../held-entries/postgres.lease.js';
import { acknowledge } from './acknowledge.js';
import { acknowledgeOwned } from './acknowledge-owned.js';
import { acknowledgeAndPublish } from './acknowledge-and-publish.js';
import { bury, putOnHold } from './giving-up.js';
import { putBack } from './put-back.js';

/** Carries out settlements of one way, whose leases are under the same guards. */
type Way = (batch: readonly Settling[], parts: SettlingParts) => Promise<Outcome[]>;

/** Carries out a batch: one statement for each way of settling, and for each subscription under guards. */
export async function settleAll(
  batch: readonly Settling[],
  parts: SettlingParts,
): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(batch.length);
  const places = grouped(batch.keys(), (at) => wayOf(batch[at]!));
  const settling: Promise<void>[] = [];
  for (const [way, ofWay] of places) {
    const holders = grouped(ofWay, (at) => guardsOf(batch[at]!));
    for (const same of holders.values()) {
      // Two processes that settle the same entries lock their rows in the same order. What follows
      // from entries is published in the order in which they were done.
      if (way !== acknowledgeAndPublish) same.sort((a, b) => inOrderOfRows(batch[a]!, batch[b]!));
      const some = same.map((at) => batch[at]!);
      settling.push(
        carryOut(way, some, parts).then((found) => {
          for (const [place, at] of same.entries()) outcomes[at] = found[place]!;
        }),
      );
    }
  }
  await Promise.all(settling);
  return outcomes;
}

const inOrderOfRows = (one: Settling, other: Settling): number =>
  inOrder(one.lease as PostgresLease, other.lease as PostgresLease);

/** Where the server refuses the whole, and nothing was done, each is carried out by itself. */
async function carryOut(
  way: Way,
  batch: readonly Settling[],
  parts: SettlingParts,
): Promise<Outcome[]> {
  try {
    return await way(batch, parts);
  } catch (error) {
    if (batch.length === 1 || !isRefusal(error)) return batch.map(() => error as Error);
    const outcomes: Outcome[] = [];
    for (const one of batch) outcomes.push(...(await carryOut(way, [one], parts)));
    return outcomes;
  }
}

/** The server has refused some value. */
function isRefusal(error: unknown): boolean {
  const state = sqlStateOf((error as Error).cause);
  return state !== undefined && /^(22|23|54)/.test(state);
}

function wayOf({ lease, settlement }: Settling): Way {
  switch (settlement.kind) {
    case 'ack':
      if (settlement.publish?.length) return acknowledgeAndPublish;
      return lease.owned ? acknowledgeOwned : acknowledge;
    case 'dead-letter':
      return settlement.action === 'hold' ? putOnHold : bury;
    default:
      return putBack;
  }
}

/**
 * What is settled together: acknowledgements of the streams that one consumer of a service owns, the
 * leases of one holder with guards, and all leases without guards.
 */
function guardsOf(settling: Settling): unknown {
  const { holder } = settling.lease as PostgresLease;
  if (wayOf(settling) === acknowledgeOwned) return holder.inputs;
  return holder.guards.length > 0 ? holder : undefined;
}
