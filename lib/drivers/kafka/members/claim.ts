/** What a member tells the leader of its group when it joins. */
export interface Claim {
  /** The partitions that the member has, those that it is about to give up included. */
  readonly partitions: readonly number[];
  /** The generation in which it had them. */
  readonly generation: number;
  /** How many partitions of the topic it knows of. A higher number starts a rebalance. */
  readonly known: number;
}

const NOTHING: Claim = { partitions: [], generation: -1, known: 0 };

export const encodeClaim = ({ partitions, generation, known }: Claim): Buffer =>
  Buffer.from(JSON.stringify({ v: 1, p: partitions, g: generation, n: known }));

/** Returns what a member claims: nothing, where another program wrote it. */
export function decodeClaim(claim: Buffer): Claim {
  try {
    const { v, p, g, n } = JSON.parse(claim.toString()) as Record<string, unknown>;
    const isClaim = v === 1 && Array.isArray(p) && p.every(Number.isSafeInteger);
    if (!isClaim || !Number.isSafeInteger(g) || !Number.isSafeInteger(n)) return NOTHING;
    return { partitions: p as number[], generation: g as number, known: n as number };
  } catch {
    return NOTHING;
  }
}
