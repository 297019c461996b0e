import { compareEntryIds, idBefore, idBehind } from './entry-id.js';

/**
 * The id up to which a group has settled everything. The position of a group that was moved back is
 * before its oldest pending entry. Undefined: it has settled nothing.
 */
export function settledUpTo(
  lastDelivered: string,
  oldestPending: string | undefined,
): string | undefined {
  const behindPending =
    oldestPending !== undefined && compareEntryIds(oldestPending, lastDelivered) <= 0;
  const upTo = behindPending ? idBefore(oldestPending) : lastDelivered;
  return upTo === '0-0' ? undefined : upTo;
}

interface Position {
  readonly name: string;
  readonly oldestPendingId: string | undefined;
  readonly oldestIsHeld?: boolean;
  readonly lastDeliveredId: string;
}

/** Of the groups of a stream, the one that needs the oldest entry. */
export function furthestBehind(groups: readonly Position[]) {
  return groups
    .map(needsOf)
    .reduce<ReturnType<typeof needsOf> | undefined>(
      (least, one) => (least && compareEntryIds(one.needs, least.needs) >= 0 ? least : one),
      undefined,
    );
}

function needsOf(position: Position) {
  const { name, oldestPendingId: pending, lastDeliveredId, oldestIsHeld } = position;
  const unread = idBehind(lastDeliveredId);
  return pending !== undefined && compareEntryIds(pending, unread) < 0
    ? ({ name, by: oldestIsHeld ? 'held' : 'pending', needs: pending } as const)
    : ({ name, by: 'undelivered', needs: unread } as const);
}
