/** A consumer, the number of its streams, and the most that it may own. */
export interface Sharer {
  readonly consumer: string;
  readonly owned: number;
  readonly limit: number;
}

/**
 * How many streams each consumer should own. All get equally many, except consumers with a lower
 * limit, whose remaining share goes to the others. Where equal shares are impossible, the consumers
 * that own more now keep one more, so that no stream moves without need.
 */
export function fairShares(total: number, sharers: readonly Sharer[]): Map<string, number> {
  const shares = new Map<string, number>();
  const byLimit = [...sharers].sort(
    (a, b) => a.limit - b.limit || a.owned - b.owned || (a.consumer < b.consumer ? -1 : 1),
  );
  let left = total;
  for (const [index, { consumer, limit }] of byLimit.entries()) {
    const share = Math.min(limit, Math.floor(left / (byLimit.length - index)));
    shares.set(consumer, share);
    left -= share;
  }
  return shares;
}

/**
 * In the announcement of consumers that accept streams which are handed over. Older versions
 * cannot.
 */
const ACCEPTS = 'accepts';

/** What a consumer announces of itself. */
export interface Share extends Sharer {
  /** The consumer accepts streams that are handed over to it. */
  readonly accepts: boolean;
}

export const encodeShare = (owned: number, limit: number, accepts: boolean): string =>
  [owned, limit, ...(accepts ? [ACCEPTS] : [])].join(' ');

/** Undefined where the text cannot be read. Later versions may add words. */
export function decodeShare(consumer: string, said: string): Share | undefined {
  const [first, second, ...more] = said.split(' ');
  const [owned, limit] = [Number(first), Number(second)];
  if (!Number.isFinite(owned) || !Number.isFinite(limit)) return undefined;
  return { consumer, owned, limit, accepts: more.includes(ACCEPTS) };
}
