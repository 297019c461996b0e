import { chunksOf } from '../../../core/collections/chunks.js';
import { grouped } from '../../../core/collections/grouped.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import { InvalidOptionsError } from '../../../core/errors/start-up.errors.js';
import { isoTime } from '../../../core/message.js';
import type { HeldEntries, HeldEntry, HeldFilter, HeldPage } from '../../../ports/held-entries.js';
import { heldIdOf, partsOfHeldId, refuseHeldIds } from '../../entry-ids/held-id.js';
import type { Commands } from '../connection/commands.js';
import { REPLY_BYTES } from '../held-entries/entry-sizes.js';
import { ORIGIN_ELEMENTS } from '../held-entries/redis.lease.js';
import type { Keys } from '../keys/keys.js';
import { unpackFields } from '../scripting/stored-fields.js';
import { listOnHold, type HeldRow } from './list-on-hold.script.js';
import { endHold } from './end-hold.script.js';

/** Entries of one script. */
const AT_ONCE = 100;

/** The entries on hold of groups on Redis. */
export class RedisHeldEntries implements HeldEntries {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async list(stream: string, group: string, limit: number, after?: string): Promise<HeldPage> {
    const last = after === undefined ? undefined : partsOfHeldId(after);
    if (after !== undefined && !last)
      throw new InvalidOptionsError(['after must be the heldId of a message on hold']);
    const keys = this.keysOf(stream, group);
    const range = { group, most: limit, bytes: REPLY_BYTES, after: last };
    const { more, rows } = await this.commands.run(
      'listing messages on hold',
      (client) => listOnHold(client, keys, range),
      keys[0],
    );
    const items = rows.map((row) => entryOf(row, stream, group));
    const next = more ? items.at(-1)?.heldId : undefined;
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
    const all = ids ? [...new Set(ids)] : await this.idsOf(stream, group!);
    const meant = all
      .map((id) => partsOfHeldId(id)!)
      .filter((parts) => group === undefined || parts.group === group);
    let ended = 0;
    for (const [name, held] of grouped(meant, (parts) => parts.group)) {
      const keys = this.keysOf(stream, name);
      const entries = held.map(({ kind, id }) => ({
        place: `${kind}:` as const,
        id,
        origin: JSON.stringify({ stream, id }),
      }));
      for (const some of chunksOf(entries, AT_ONCE))
        ended += await this.commands.run(
          moves ? 'releasing messages on hold' : 'purging messages on hold',
          (client) => endHold(client, keys, { group: name, moves }, some),
          keys[0],
        );
    }
    return ended;
  }

  /** Of all that is on hold now. */
  private async idsOf(stream: string, group: string): Promise<string[]> {
    const ids: string[] = [];
    let after: string | undefined;
    do {
      const page = await this.list(stream, group, AT_ONCE, after);
      ids.push(...page.items.map(({ heldId }) => heldId));
      after = page.next;
    } while (after !== undefined);
    return ids;
  }

  private keysOf(stream: string, group: string): [string, string, string] {
    const { keys } = this;
    return [keys.stream(stream), keys.redrive(stream, group), keys.held(stream, group)];
  }
}

function entryOf(
  [place, id, count, record, stored]: HeldRow,
  stream: string,
  group: string,
): HeldEntry {
  const known = record === null ? unrecorded(stream, id, group, count) : recordFrom(record);
  const own = place === 'r:' ? stored?.slice(ORIGIN_ELEMENTS) : stored;
  const fields = unpackFields(own ?? []);
  return { ...known, heldId: heldIdOf(place === 's:' ? 's' : 'r', id, group), fields };
}

const recordFrom = (text: string): DeadLetterRecord => JSON.parse(text) as DeadLetterRecord;

/** Another program has deleted the record. */
function unrecorded(stream: string, id: string, group: string, count: number): DeadLetterRecord {
  const publishedAt = isoTime(Number.parseInt(id, 10));
  const known = { stream, id, group, consumer: '', attempts: count, reason: 'unknown' };
  return { ...known, publishedAt, deadLetteredAt: publishedAt };
}
