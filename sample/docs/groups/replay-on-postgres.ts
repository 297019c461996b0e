import { Injectable } from '@nestjs/common';
import { ConsumerGroupManager } from 'nestjs-redis-streams/core';
import { Pool } from 'pg';

const LAST_BEFORE = `select coalesce(max(m.id), 0) as id
  from streams.message m join streams.stream s on s.id = m.stream
  where s.name = $1 and m.published_at < $2`;

@Injectable()
export class ReplayOnPostgres {
  constructor(
    private readonly groups: ConsumerGroupManager,
    private readonly pool: Pool,
  ) {}

  /** Handles again what was published since then. */
  async replaySince(time: Date): Promise<void> {
    const values = ['order.placed', time.getTime()];
    const { rows } = await this.pool.query<{ id: string }>(LAST_BEFORE, values);
    await this.groups.setPosition('order.placed', 'billing', rows[0]!.id);
  }
}
