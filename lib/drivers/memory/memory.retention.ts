import { compareEntryIds } from '../entry-ids/entry-id.js';
import type { Retention, StreamFootprint, Trimmed, TrimOrder } from '../../ports/retention.js';
import type { GroupedLog } from './broker/grouped-log.js';
import type { MemoryBroker } from './broker/memory.broker.js';

const NOTHING: Trimmed = { count: 0, lost: 0, groups: [], more: false };

/** Retention with the rules of Redis, on the streams of a broker. */
export class MemoryRetention implements Retention {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async trim(stream: string, { policy, groups }: TrimOrder): Promise<Trimmed> {
    const log = this.broker.existing(this.keyPrefix + stream)?.log;
    if (!log || log.groups.length === 0 || groups.some((group) => !log.knows(group)))
      return NOTHING;
    const end = this.endOf(log, policy);
    const allowLoss = policy !== 'deleteWhenSettled' && policy.allowLoss === true;
    return drop(log, allowLoss ? end : Math.min(end, floorOf(log)));
  }

  async footprint(stream: string, before = '0-0'): Promise<StreamFootprint | undefined> {
    const log = this.broker.existing(this.keyPrefix + stream)?.log;
    if (!log?.exists) return undefined;
    let count = 0;
    for (const [, { id }] of log.entries.present()) if (compareEntryIds(id, before) < 0) count++;
    return { bytes: null, before: count };
  }

  /** The position up to which the policy alone would delete. */
  private endOf({ entries }: GroupedLog, policy: TrimOrder['policy']): number {
    if (policy === 'deleteWhenSettled') return entries.end;
    const present = [...entries.present()];
    if ('maxLength' in policy) {
      const excess = present.length - policy.maxLength;
      return excess < present.length ? (present[Math.max(0, excess)]?.[0] ?? 0) : entries.end;
    }
    const oldest = this.broker.clock.wallTime() - policy.maxAge;
    return present.find(([, { publishedAt }]) => publishedAt >= oldest)?.[0] ?? entries.end;
  }
}

const floorOf = ({ groups }: GroupedLog): number =>
  Math.min(...groups.map(([, { floor }]) => floor));

function drop({ entries, groups }: GroupedLog, end: number): Trimmed {
  const losers = new Set<string>();
  let [count, lost] = [0, 0];
  for (const [position] of entries.present()) {
    if (position >= end) break;
    const needing = groups.filter(([, group]) => group.needs(position));
    for (const [name] of needing) losers.add(name);
    if (needing.length > 0) lost++;
    count++;
  }
  entries.dropBefore(end);
  return { count, lost, groups: [...losers], more: false };
}
