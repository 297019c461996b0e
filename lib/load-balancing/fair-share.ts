/** A consumer, and what it may own at most. */
export interface Sharer {
  readonly consumer: string;
  readonly owned: number;
  readonly limit: number;
}

/**
 * How many streams each consumer should own: equally many, but for those that may not own so many,
 * whose part goes to the others. Where it cannot be equal, who owns more now keeps one more, so that
 * nothing moves without need.
 */
export function fairShares(total: number, sharers: readonly Sharer[]): Map<string, number> {
  const shares = new Map<string, number>();
  const byRoom = [...sharers].sort(
    (a, b) => a.limit - b.limit || a.owned - b.owned || (a.consumer < b.consumer ? -1 : 1),
  );
  let left = total;
  for (const [index, { consumer, limit }] of byRoom.entries()) {
    const share = Math.min(limit, Math.floor(left / (byRoom.length - index)));
    shares.set(consumer, share);
    left -= share;
  }
  return shares;
}

/** Said by consumers to which streams can be handed over: older versions cannot take note of them. */
const ACCEPTS = 'accepts';

/** What a consumer says of itself. */
export interface Share extends Sharer {
  /** It takes note of streams that are handed over to it. */
  readonly accepts: boolean;
}

export const encodeShare = (owned: number, limit: number, accepts: boolean): string =>
  [owned, limit, ...(accepts ? [ACCEPTS] : [])].join(' ');

/** Undefined where it cannot be read: a later version may say more. */
export function decodeShare(consumer: string, said: string): Share | undefined {
  const [first, second, ...more] = said.split(' ');
  const [owned, limit] = [Number(first), Number(second)];
  if (!Number.isFinite(owned) || !Number.isFinite(limit)) return undefined;
  return { consumer, owned, limit, accepts: more.includes(ACCEPTS) };
}
