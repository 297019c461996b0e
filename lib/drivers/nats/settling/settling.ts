import { grouped } from '../../../core/collections/grouped.js';
import { UnsupportedFeatureError } from '../../../core/errors/start-up.errors.js';
import { release as releaseIt } from '../../../core/settlement.js';
import type { Settling } from '../../../ports/source.js';
import type { NatsLease } from '../leases/nats.lease.js';
import { acknowledge } from './acknowledge.js';
import { bury } from './bury.js';
import { publishAndAcknowledge } from './publish-and-acknowledge.js';
import { park, release } from './put-back.js';
import { leaseOf, type Outcome, type SettlingParts } from './settling-parts.js';

/** Carries out settlements of one way. */
type Way = (batch: readonly Settling[], parts: SettlingParts) => Promise<Outcome[]>;

/** Carries out settlements: all of one way together, all ways at the same time. */
export class NatsSettling {
  constructor(private readonly parts: SettlingParts) {}

  async settle(batch: readonly Settling[]): Promise<Outcome[]> {
    const outcomes = new Array<Outcome>(batch.length);
    const ways = grouped(batch.keys(), (at) => wayOf(batch[at]!));
    await Promise.all(
      [...ways].map(async ([way, places]) => {
        const some = places.map((at) => batch[at]!);
        const found = await this.carryOut(way, some);
        for (const [place, at] of places.entries()) outcomes[at] = found[place]!;
      }),
    );
    return outcomes;
  }

  /** Gives back entries that were read and not handed out. Returns when the server has heard of it. */
  async releaseUnrun(leases: readonly NatsLease[]): Promise<void> {
    await this.settle(leases.map((lease) => ({ lease, settlement: releaseIt })));
  }

  private async carryOut(way: Way, batch: readonly Settling[]): Promise<Outcome[]> {
    try {
      return await (way === acknowledgeAll ? way(batch, this.parts) : this.fenced(way, batch));
    } catch (error) {
      return batch.map(() => error as Error);
    }
  }

  /** Only what has its entry is carried out, and nothing of a group that was deleted. */
  private async fenced(way: Way, batch: readonly Settling[]): Promise<Outcome[]> {
    const [owners, deleted] = await Promise.all([
      this.parts.leases.hold(batch.map(leaseOf)),
      this.deletedGroups(batch.map(leaseOf)),
    ]);
    const isHeld = (at: number) =>
      owners[at] === 'held' && !deleted.has(groupOf(leaseOf(batch[at]!)));
    const held = batch.filter((_, at) => isHeld(at));
    const found = held.length > 0 ? await way(held, this.parts) : [];
    let next = 0;
    return owners.map((owner, at): Outcome => {
      if (owner !== 'held') return owner;
      return isHeld(at) ? found[next++]! : 'gone';
    });
  }

  /** Another process may have deleted a group, and this one has not seen it yet. Asks once for each group. */
  private async deletedGroups(leases: readonly NatsLease[]): Promise<ReadonlySet<string>> {
    const deleted = new Set<string>();
    const groups = new Map(leases.map((lease) => [groupOf(lease), lease]));
    await Promise.all(
      [...groups].map(async ([key, { stream, holder }]) => {
        const isDeleted = this.parts.isDeleted(stream, holder.group);
        // Without an answer nothing is known of a deletion.
        if (await isDeleted.catch(() => false)) deleted.add(key);
      }),
    );
    return deleted;
  }
}

const groupOf = ({ stream, holder }: NatsLease): string => JSON.stringify([stream, holder.group]);

const acknowledgeAll: Way = (batch, parts) => acknowledge(batch.map(leaseOf), parts);

const leaveIt: Way = () => {
  throw new UnsupportedFeatureError('leaving entries pending', 'nats', 'Release them instead.');
};

function wayOf({ settlement }: Settling): Way {
  switch (settlement.kind) {
    case 'ack':
      return settlement.publish?.length ? publishAndAcknowledge : acknowledgeAll;
    case 'dead-letter':
      return bury;
    case 'retry':
      return park;
    case 'release':
      return release;
    case 'leave':
      return leaveIt;
  }
}
