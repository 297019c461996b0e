import { keyPart } from '../../../core/completion.js';
import type { StateStore } from '../../../ports/state-store.js';
import type { Statements } from '../connection/statements.js';
import { fromStored, toStored } from '../sql/exact-text.js';
import { keyText } from '../sql/key-text.js';

const IS_LIVE = '(s.expires_at is null or s.expires_at > statement_timestamp())';
/** In milliseconds; null for a key that stays. */
const expiry = (at: number): string => `statement_timestamp() + $${at}::float8 * interval '1 ms'`;

/** Keeps state in one row per key. The server's clock says when a key has expired. */
export class PostgresStateStore implements StateStore {
  constructor(
    private readonly database: Statements,
    private readonly keyPrefix: string,
  ) {}

  async get(key: string): Promise<string | undefined> {
    const { rows } = await this.database.query<{ value: string }>(
      'reading state',
      `select s.value from {schema}.state s where s.key = $1 and ${IS_LIVE}`,
      [this.nameOf(key)],
    );
    const found = rows[0];
    return found && fromStored(found.value);
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    await this.write(
      `insert into {schema}.state (key, value, expires_at) values ($1, $2, ${expiry(3)})
      on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at`,
      [this.nameOf(key), toStored(value), ttl],
    );
  }

  setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean> {
    return this.write(
      `insert into {schema}.state as s (key, value, expires_at) values ($1, $2, ${expiry(3)})
      on conflict (key) do update set value = excluded.value, expires_at = excluded.expires_at
      where not ${IS_LIVE}`,
      [this.nameOf(key), toStored(value), ttl],
    );
  }

  async compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    ttl?: number,
  ): Promise<boolean> {
    if (expected === undefined) return this.setIfAbsent(key, value, ttl);
    return this.write(
      `update {schema}.state s set value = $2, expires_at = ${expiry(3)}
      where s.key = $1 and s.value = $4 and ${IS_LIVE}`,
      [this.nameOf(key), toStored(value), ttl, toStored(expected)],
    );
  }

  async delete(key: string): Promise<boolean> {
    const { rows } = await this.database.query<{ live: boolean }>(
      'deleting state',
      `delete from {schema}.state s where s.key = $1 returning ${IS_LIVE} as live`,
      [this.nameOf(key)],
    );
    return rows[0]?.live ?? false;
  }

  async exists(key: string): Promise<boolean> {
    const { rows } = await this.database.query(
      'reading state',
      `select from {schema}.state s where s.key = $1 and ${IS_LIVE}`,
      [this.nameOf(key)],
    );
    return rows.length > 0;
  }

  /** Returns whether a row was written. */
  private async write(text: string, values: readonly unknown[]): Promise<boolean> {
    const { rowCount } = await this.database.query('writing state', text, values);
    return rowCount === 1;
  }

  private nameOf(key: string): string {
    return keyText(`${keyPart(this.keyPrefix)}:${key}`);
  }
}
