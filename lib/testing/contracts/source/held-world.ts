import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import { deadLetter } from '../../../core/settlement.js';
import type { Lease } from '../../../core/lease.js';
import type { HeldEntries } from '../../../ports/held-entries.js';
import type { Reader } from '../../world/reader.js';
import { IDLE, recordFor, type SourceWorld } from '../../world/source-world.js';

/** Steps of the tests on entries on hold. */
export function heldWorld(world: () => SourceWorld) {
  const quick = { idleTimeout: IDLE, reclaimInterval: 50 };

  async function entries(): Promise<HeldEntries> {
    return port(await world().driver(), 'held');
  }

  async function hold(reader: Reader, lease: Lease) {
    const settlement = { ...deadLetter('unrecoverable'), action: 'hold' } as const;
    const record = recordFor(lease, world().group, 'A');
    const [outcome] = await reader.source.settle([{ lease, settlement, record }]);
    return outcome!;
  }

  /** Publishes these, and puts the first of them on hold. */
  async function held(...values: string[]) {
    await entries();
    const ids = await world().publish(...values);
    const reader = await world().reader('A', quick);
    const leases = await reader.take(values.length);
    expect(await hold(reader, leases[0]!)).toBe('settled');
    return { ids, reader, leases };
  }

  const list = async () => (await entries()).list(world().stream, world().group, 100);

  return { quick, entries, hold, held, list };
}
