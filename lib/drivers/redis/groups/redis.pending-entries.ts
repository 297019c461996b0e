import { chunksOf } from '../../../core/collections/chunks.js';
import type { PendingEntries, PendingEntry, PendingQuery } from '../../../ports/group-admin.js';
import { acknowledge } from './acknowledge.script.js';
import { claimPending } from './claim-pending.script.js';
import { aboutGroup } from './about-group.js';
import type { Commands } from '../connection/commands.js';
import type { Keys } from '../keys/keys.js';

/** Maximum of entries in one command, so that no command blocks the server for long. */
const AT_ONCE = 1000;

type Row = [id: string, consumer: string, idle: number, count: number];

/** The pending lists of groups on Redis. */
export class RedisPendingEntries implements PendingEntries {
  constructor(
    private readonly commands: Commands,
    private readonly keys: Keys,
  ) {}

  async list(stream: string, group: string, query: PendingQuery): Promise<PendingEntry[]> {
    const { count } = query;
    const found: PendingEntry[] = [];
    for (let start = query.start ?? '-'; found.length < count;) {
      const most = Math.min(count - found.length, AT_ONCE);
      const rows = await this.page(stream, group, { ...query, start, count: most });
      for (const [id, consumer, idle, delivered] of rows) {
        found.push({ id, consumer, idleMs: idle, delivered });
      }
      if (rows.length < most) break;
      start = `(${rows.at(-1)![0]}`;
    }
    return found;
  }

  async claim(
    stream: string,
    group: string,
    to: { readonly consumer: string; readonly minIdleMs: number; readonly ids: readonly string[] },
  ): Promise<string[]> {
    const about = { key: this.keys.stream(stream), stream, group };
    const claimed: string[] = [];
    for (const ids of chunksOf(to.ids, AT_ONCE)) {
      const handedOver = await this.commands.run(
        'handing over pending entries',
        (client) =>
          aboutGroup(client, about, () => claimPending(client, about.key, group, { ...to, ids })),
        about.key,
      );
      claimed.push(...handedOver);
    }
    return claimed;
  }

  async acknowledge(stream: string, group: string, ids: readonly string[]): Promise<number> {
    const keys = [this.keys.stream(stream), this.keys.held(stream, group)] as const;
    let acknowledged = 0;
    for (const some of chunksOf(ids, AT_ONCE)) {
      acknowledged += await this.commands.run(
        'acknowledging',
        (client) => acknowledge(client, keys, { group, ids: some }),
        keys[0],
      );
    }
    return acknowledged;
  }

  private async page(stream: string, group: string, query: PendingQuery): Promise<Row[]> {
    const about = { key: this.keys.stream(stream), stream, group };
    const { consumer, minIdleMs, start = '-', count } = query;
    const args = [
      ...(minIdleMs === undefined ? [] : ['IDLE', minIdleMs]),
      ...[start, '+', count],
      ...(consumer === undefined ? [] : [consumer]),
    ];
    const rows = await this.commands.run(
      'listing pending entries',
      (client) =>
        aboutGroup(client, about, () => client.call('XPENDING', about.key, group, ...args)),
      about.key,
    );
    return rows as Row[];
  }
}
