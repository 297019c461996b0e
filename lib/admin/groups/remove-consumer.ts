import { ConsumerHasPendingError } from '../../core/errors/group.errors.js';
import type { GroupAdmin, PendingEntries } from '../../ports/group-admin.js';
import { handOver } from './claim-pages.js';

/**
 * Most rounds of handing over. A consumer that reads on meanwhile has new entries pending in each
 * round.
 */
const ROUNDS = 10;

/**
 * Removes a consumer, once its pending entries are handed over.
 * @returns how many were handed over
 * @throws ConsumerHasPendingError
 */
export async function removeConsumer(
  groups: GroupAdmin,
  entries: PendingEntries,
  at: {
    readonly stream: string;
    readonly group: string;
    readonly consumer: string;
    readonly handOverTo: string | undefined;
  },
): Promise<number> {
  const { stream, group, consumer, handOverTo } = at;
  let handedOver = 0;
  for (let round = 0; ; round++) {
    const pending = await groups.removeConsumer!(stream, group, consumer);
    if (pending === 0) return handedOver;
    if (handOverTo === undefined || round === ROUNDS) {
      throw new ConsumerHasPendingError(stream, group, consumer, pending);
    }
    const from = { stream, group, filter: { consumer } };
    const to = { consumer: handOverTo, minIdleMs: 0 };
    handedOver += (await handOver(entries, from, to, pending)).length;
  }
}
