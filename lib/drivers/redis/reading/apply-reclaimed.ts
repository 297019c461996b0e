import type { GroupKeeper } from '../groups/group-keeper.js';
import type { HeldTable } from '../held-entries/held-table.js';
import type { ReadKey } from '../held-entries/redis.lease.js';
import { waitingOf, type HandedEntries } from '../live-consumers/handed-entries.js';
import type { Adoption } from './adopt-unknown-entries.js';
import type { Reclaimed } from './reclaimed.js';
import type { NewEntries } from './new-entries.js';
import type { ReadKeys } from './read-keys.js';

/**
 * An entry that is pending to this consumer and unknown here for this time was lost with its reply,
 * in milliseconds. A reply on its way is younger.
 */
const REPLY_ON_ITS_WAY = 1000;

/** The parts of a subscription that use the result of a look. */
export interface LookParts {
  readonly adoption: Adoption;
  readonly readKeys: ReadKeys;
  readonly keeper: GroupKeeper;
  readonly handed: HandedEntries;
  readonly held: HeldTable;
  readonly newEntries: NewEntries;
}

/** Carries out what a look at a stream has found. */
export async function applyReclaimed(
  { adoption, readKeys, keeper, handed, held, newEntries }: LookParts,
  source: ReadKey,
  looked: Reclaimed,
): Promise<void> {
  if (looked.taken.length > 0) await adoption.holdUncharged(source, looked.taken);
  if (looked.redriven && !source.redriven) readKeys.addRedriven(source);
  if (looked.word === 'missing') await readKeys.restore(source);
  if (looked.word !== 'ok') return;
  if (!source.redriven) keeper.note(source, looked.floor);
  readKeys.readableAgain(source);
  await handed.looked(source, looked);
  if (looked.own <= held.count(source) + waitingOf(source, looked)) {
    await adoption.forgetLeft(source);
  } else if (!newEntries.isOrdered || source.redriven) {
    await adoption.adopt(source, REPLY_ON_ITS_WAY);
  } else if (!newEntries.takesOver) newEntries.restart();
}
