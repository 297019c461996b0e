import type { Guard } from '../../../core/guard.js';
import { keyPart } from '../../../core/completion.js';
import type { LeaseName, LeaseStore, OwnedLease } from '../../../ports/lease-store.js';
import type { Statements } from '../connection/statements.js';
import { toStored } from '../sql/exact-text.js';
import { keyText } from '../sql/key-text.js';

/**
 * Keeps one row per lease. Its token grows with each acquisition, and is at least the server's time
 * in microseconds: so it is higher than any before it also where the row was lost.
 */
export class PostgresLeaseStore implements LeaseStore {
  constructor(
    private readonly database: Statements,
    private readonly keyPrefix: string,
  ) {}

  async acquire(lease: LeaseName, owner: string, ttl: number): Promise<OwnedLease | undefined> {
    const { rows } = await this.database.query<{ token: string }>(
      'acquiring a lease',
      `insert into {schema}.lease as l (key, owner, token, expires_at)
      values ($1, $2, (extract(epoch from clock_timestamp()) * 1000000)::bigint,
        statement_timestamp() + $3::float8 * interval '1 ms')
      on conflict (key) do update set owner = excluded.owner, expires_at = excluded.expires_at,
        token = greatest(l.token + 1, excluded.token)
      where l.owner is null or l.owner = excluded.owner or l.expires_at <= statement_timestamp()
      returning token`,
      [this.keyOf(lease), toStored(owner), ttl],
    );
    const acquired = rows[0];
    const { stream, name } = lease;
    return acquired && { stream, name, owner, token: Number(acquired.token) };
  }

  extend(lease: OwnedLease, ttl: number): Promise<boolean> {
    return this.change(
      'extending a lease',
      `update {schema}.lease set owner = $3,
        expires_at = statement_timestamp() + $4::float8 * interval '1 ms'
      where key = $1 and token = $2`,
      [...this.fenceOf(lease), toStored(lease.owner), ttl],
    );
  }

  /** The row stays without an owner, and with a higher token, so that no guard holds. */
  release(lease: OwnedLease): Promise<boolean> {
    return this.change(
      'releasing a lease',
      `update {schema}.lease set owner = null, token = token + 1, expires_at = statement_timestamp()
      where key = $1 and token = $2`,
      this.fenceOf(lease),
    );
  }

  guard(lease: OwnedLease): Guard {
    const [key, value] = this.fenceOf(lease);
    return { key, value };
  }

  private async change(action: string, text: string, values: readonly unknown[]): Promise<boolean> {
    const { rowCount } = await this.database.query(action, text, values);
    return rowCount === 1;
  }

  private fenceOf(lease: OwnedLease): [key: string, token: string] {
    return [this.keyOf(lease), String(lease.token)];
  }

  private keyOf({ stream, name }: LeaseName): string {
    return keyText(`lease:${[this.keyPrefix, stream, name].map(keyPart).join(':')}`);
  }
}
