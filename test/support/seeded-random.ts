/** Numbers from 0 to 1, the same ones in each run. `seed` is a positive integer. */
export function seededRandom(seed: number): () => number {
  let state = (seed * 7919) % 2_147_483_647;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}
