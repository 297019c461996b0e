import type { GroupMembers } from '../../../ports/live-consumers.js';
import type { Database } from '../connection/database.js';
import { toStored } from '../sql/exact-text.js';
import { liveConsumerOf, type AnnouncedRow } from './announced-row.js';

interface Waiting {
  readonly stream: string;
  readonly group: string;
  resolve(members: GroupMembers): void;
  reject(error: unknown): void;
}

/** Reads the consumers of many groups by one statement: all that are asked for in one turn. */
export class MemberReads {
  private waiting: Waiting[] = [];

  constructor(
    private readonly database: Database,
    private readonly prefix: string,
  ) {}

  read(stream: string, group: string): Promise<GroupMembers> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ stream, group, resolve, reject });
      if (this.waiting.length === 1) queueMicrotask(() => void this.readAll());
    });
  }

  private async readAll(): Promise<void> {
    const waiting = this.waiting.splice(0);
    try {
      const rows = await this.rowsOf(waiting);
      for (const [index, one] of waiting.entries()) {
        const own = rows.filter(({ at }) => at === index + 1);
        one.resolve({ consumers: own.map(liveConsumerOf), unannounced: [] });
      }
    } catch (error) {
      for (const one of waiting) one.reject(error);
    }
  }

  private async rowsOf(waiting: readonly Waiting[]): Promise<(AnnouncedRow & { at: number })[]> {
    const { rows } = await this.database.query<AnnouncedRow & { at: number }>(
      'reading the consumers of a group',
      `select asked.at::int as at, a.stream, a.grp, a.name, a.instance, a.process, a.state, a.said,
        a.alive, a.age, a.gone_for
      from unnest($2::text[], $3::text[]) with ordinality as asked(stream, grp, at)
      join {schema}.announced a
        on a.prefix = $1 and a.stream = asked.stream and a.grp = asked.grp
      where a.alive or a.gone_for < 86400000`,
      [
        this.prefix,
        waiting.map(({ stream }) => toStored(stream)),
        waiting.map(({ group }) => toStored(group)),
      ],
    );
    return rows;
  }
}
