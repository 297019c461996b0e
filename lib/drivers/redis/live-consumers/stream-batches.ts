import { chunksOf } from '../../../core/collections/chunks.js';
import { bySlot } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';

/** Maximum of streams in one run of a script. */
const AT_ONCE = 100;

/** Splits streams into batches for one script: on a cluster, of one slot each. */
export function batchesOf<T>(
  commands: Commands,
  items: readonly T[],
  keyOf: (item: T) => string,
): T[][] {
  const together = commands.topology ? [...bySlot(items, keyOf).values()] : [[...items]];
  return together.flatMap((some) => chunksOf(some, AT_ONCE));
}
