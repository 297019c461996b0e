import type { Joined, Share } from '../connection/kafka-group.js';
import { decodeClaim, type Claim } from './claim.js';

/** A member of a group, and what it says that it has. */
export interface Claimant {
  readonly memberId: string;
  readonly claim: Claim;
}

/** What the leader of a group gives to its members, as they have joined. Empty: another member leads. */
export const sharesOf = (members: Joined['members'], partitions: readonly number[]): Share[] =>
  members.length === 0
    ? []
    : sharePartitions(
        members.map(({ memberId, claim }) => ({ memberId, claim: decodeClaim(claim) })),
        partitions,
      );

/**
 * Shares the partitions of a topic out among the members of a group, as evenly as their number allows.
 * A member keeps what it has, up to its share. A partition that is to move is in no share while the
 * member that has it still claims it: that member finishes its work first, and joins again without it.
 */
export function sharePartitions(
  claimants: readonly Claimant[],
  partitions: readonly number[],
): Share[] {
  const owners = ownersOf(claimants, partitions);
  const had = new Map<string, number[]>(claimants.map(({ memberId }) => [memberId, []]));
  for (const partition of [...partitions].sort((a, b) => a - b)) {
    const owner = owners.get(partition);
    if (owner !== undefined) had.get(owner)!.push(partition);
  }
  const sizes = shareSizes(had, partitions.length);
  const shares = new Map<string, number[]>();
  for (const [memberId, own] of had) shares.set(memberId, own.slice(0, sizes.get(memberId)));
  const free = partitions.filter((partition) => !owners.has(partition)).sort((a, b) => a - b);
  // Partitions that still have to be given up count as taken: they fill the shares later.
  for (const [memberId, share] of shares) {
    while (share.length < sizes.get(memberId)! && free.length > 0) share.push(free.shift()!);
  }
  return [...shares].map(([memberId, share]) => ({ memberId, partitions: share }));
}

/** Of several members that claim a partition, the one with the newest generation has it. */
function ownersOf(
  claimants: readonly Claimant[],
  partitions: readonly number[],
): Map<number, string> {
  const exists = new Set(partitions);
  const owners = new Map<number, string>();
  const newestLast = [...claimants].sort(
    (a, b) => a.claim.generation - b.claim.generation || (a.memberId < b.memberId ? 1 : -1),
  );
  for (const { memberId, claim } of newestLast) {
    for (const partition of claim.partitions) {
      if (exists.has(partition)) owners.set(partition, memberId);
    }
  }
  return owners;
}

/** Members that have most get the larger shares, so that little moves. */
function shareSizes(
  had: ReadonlyMap<string, readonly number[]>,
  count: number,
): Map<string, number> {
  const smallest = Math.floor(count / had.size);
  const larger = count % had.size;
  const byCount = [...had].sort(
    ([a, some], [b, others]) => others.length - some.length || (a < b ? -1 : 1),
  );
  return new Map(byCount.map(([memberId], at) => [memberId, smallest + (at < larger ? 1 : 0)]));
}
