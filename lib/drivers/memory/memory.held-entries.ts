import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';
import type { HeldEntries, HeldEntry, HeldFilter, HeldPage } from '../../ports/held-entries.js';
import { heldIdOf, partsOfHeldId, refuseHeldIds } from '../entry-ids/held-id.js';
import type { ConsumerGroup } from './broker/consumer-group.js';
import type { GroupedLog } from './broker/grouped-log.js';
import type { MemoryBroker } from './broker/memory.broker.js';

interface Found {
  readonly entry: HeldEntry;
  readonly group: ConsumerGroup;
  readonly position: number;
}

/** The entries on hold of a broker's groups. */
export class MemoryHeldEntries implements HeldEntries {
  constructor(
    private readonly broker: MemoryBroker,
    private readonly keyPrefix: string,
  ) {}

  async list(stream: string, group: string, limit: number, after?: string): Promise<HeldPage> {
    const all = this.all(stream, group).map(({ entry }) => entry);
    const at = after === undefined ? 0 : all.findIndex(({ heldId }) => heldId === after) + 1;
    const rest = after !== undefined && at === 0 ? this.behind(all, after) : all.slice(at);
    const items = rest.slice(0, limit);
    const next = rest.length > items.length ? items.at(-1)?.heldId : undefined;
    return { items, ...(next !== undefined && { next }) };
  }

  release(stream: string, filter: HeldFilter): Promise<number> {
    return this.end(stream, filter, true);
  }

  purge(stream: string, filter: HeldFilter): Promise<number> {
    return this.end(stream, filter, false);
  }

  /** @param moves whether they run again */
  private async end(stream: string, { ids, group }: HeldFilter, moves: boolean): Promise<number> {
    refuseHeldIds(ids);
    const groups = ids ? new Set(ids.map((id) => partsOfHeldId(id)!.group)) : [group!];
    const wanted = ids && new Set(ids);
    const data = this.broker.stream(this.keyPrefix + stream);
    let ended = 0;
    for (const name of groups) {
      if (group !== undefined && name !== group) continue;
      for (const { entry, group: of, position } of this.all(stream, name)) {
        if (wanted && !wanted.has(entry.heldId)) continue;
        if (moves && of.dropIfTrimmed(position)) continue;
        const { id, fields, publishedAt } = entry;
        of.remove(position);
        if (moves)
          data
            .redrivenTo(name)
            .entries.append({ id, publishedAt: Date.parse(publishedAt), fields });
        ended++;
      }
    }
    this.broker.wake();
    return ended;
  }

  /** In the stream, then among redriven messages. */
  private all(stream: string, group: string): Found[] {
    const data = this.broker.stream(this.keyPrefix + stream);
    return [...heldIn(data.log, 's', group), ...heldIn(data.redrivenTo(group), 'r', group)];
  }

  /** That entry was released since. */
  private behind(all: readonly HeldEntry[], after: string): HeldEntry[] {
    const last = partsOfHeldId(after);
    if (!last) throw new InvalidOptionsError(['after must be the heldId of a message']);
    return all.filter(({ heldId }) => {
      const { kind, id } = partsOfHeldId(heldId)!;
      if (kind !== last.kind) return kind === 'r';
      return Number.parseInt(id, 10) > Number.parseInt(last.id, 10);
    });
  }
}

function heldIn(log: GroupedLog, kind: 's' | 'r', name: string): Found[] {
  const group = log.find(name);
  return [...(group?.allPending ?? [])].flatMap(([position, { held, id }]) => {
    if (!held) return [];
    const heldId = heldIdOf(kind, kind === 's' ? id : `${position}-0`, name);
    const fields = log.entries.at(position)?.fields ?? [];
    return [{ entry: { ...held, heldId, fields }, group: group!, position }];
  });
}
