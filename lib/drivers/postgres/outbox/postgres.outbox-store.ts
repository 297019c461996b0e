import type {
  DeadRow,
  DeadRowPage,
  HeldPartition,
  OutboxBatch,
  OutboxDone,
  OutboxLag,
  OutboxMessage,
  OutboxRefusal,
  OutboxStore,
} from '../../../ports/outbox-store.js';
import type { SqlTransaction } from '../../../ports/sql-transaction.js';
import type { Database } from '../connection/database.js';
import { queryWithin, requireOpenTransaction } from '../transactions/open-transaction.js';
import { fromStored } from '../sql/exact-text.js';
import { partitionOf, toColumns, toEntry, toRow, type StoredRow } from './stored-entry.js';

/** A batch has at most this many bytes of fields, and at least one message. */
const BATCH_BYTES = 4_000_000;

const PUT = `insert into {schema}.outbox
    (partition, key, stream, fields, idempotency_key, due_at, wait_replicas)
  select partition, key, stream, fields, idempotency_key,
    coalesce(due_at, (extract(epoch from clock_timestamp()) * 1000 + due_in)::bigint), wait_replicas
  from json_to_recordset($1::json) given(at int, partition smallint, key text, stream text,
    fields text, idempotency_key text, due_at bigint, due_in double precision, wait_replicas int)
  order by at returning id::text as id`;

const DEAD_ROWS = `select id::text, key, stream, fields, idempotency_key as "idempotencyKey",
    due_at::float8 as "dueAt", wait_replicas as "waitReplicas", refusals, error,
    round(extract(epoch from written_at) * 1000)::float8 as "writtenAt",
    round(extract(epoch from died_at) * 1000)::float8 as "diedAt"
  from {schema}.outbox_dead where id > $1 order by id limit $2`;

const LAG = `select count(*)::float8 as waiting,
    coalesce(round(extract(epoch from clock_timestamp() - min(written_at)) * 1000)::float8, 0) as "oldestAge",
    (select count(*)::float8 from {schema}.outbox_dead) as dead,
    (select count(distinct relay)::float8 from {schema}.outbox_partition
      where expires_at > clock_timestamp()) as relays
  from {schema}.outbox`;

const REDRIVE = `with back as (delete from {schema}.outbox_dead where id = any($1::bigint[]) returning *)
  insert into {schema}.outbox (partition, key, stream, fields, idempotency_key, due_at, wait_replicas, name)
  select given.partition, back.key, stream, fields, idempotency_key, due_at, wait_replicas, name
  from back join json_to_recordset($2::json) given(id bigint, partition smallint) using (id)
  order by id`;

interface StoredDead extends Omit<DeadRow, 'entry'> {
  readonly stream: string;
  readonly fields: string;
  readonly idempotencyKey: string | null;
  readonly dueAt: number | null;
  readonly waitReplicas: number | null;
}

/** The outbox in tables of the schema. */
export class PostgresOutboxStore implements OutboxStore {
  constructor(private readonly database: Database) {}

  async put(transaction: SqlTransaction, messages: readonly OutboxMessage[]): Promise<string[]> {
    requireOpenTransaction(transaction);
    if (messages.length === 0) return [];
    const preparing = this.database.readyAside('writing into the outbox');
    if (preparing) {
      await preparing;
      // It may have ended meanwhile, where the caller does not await this.
      requireOpenTransaction(transaction);
    }
    const columns = JSON.stringify(messages.map(toColumns));
    const text = this.database.schema.into(PUT);
    const rows = await queryWithin<{ id: string }>(transaction, 'writing into the outbox', text, [
      columns,
    ]);
    return rows.map(({ id }) => id);
  }

  async hold(relay: string, lease: number): Promise<HeldPartition[]> {
    const { rows } = await this.database.query<HeldPartition>(
      'holding partitions of the outbox',
      'select partition, token, waiting from {schema}.outbox_hold($1, $2)',
      [relay, lease],
    );
    return rows;
  }

  async next(
    { partition, token }: HeldPartition,
    relay: string,
    { published, certain }: OutboxDone,
    { limit, lease }: { readonly limit: number; readonly lease: number },
  ): Promise<OutboxBatch | 'lost'> {
    const { rows } = await this.database.query<{ next: NextAnswer | null }>(
      'reading the outbox',
      'select {schema}.outbox_next($1, $2, $3, $4, $5, $6, $7, $8) as next',
      [partition, relay, token, published, certain, limit, BATCH_BYTES, lease],
    );
    const { next } = rows[0]!;
    if (!next) return 'lost';
    return {
      rows: next.rows.map(toRow),
      doubtfulFor: next.doubt,
      retryIn: next.retry === null ? undefined : Math.max(next.retry, 0),
    };
  }

  async refuse(
    { partition, token }: HeldPartition,
    relay: string,
    refusals: readonly OutboxRefusal[],
  ): Promise<'noted' | 'lost'> {
    const refused = refusals.map(({ id, error, retryIn }) => ({
      id,
      error: error.replaceAll('\0', '␀').toWellFormed(),
      wait: retryIn ?? null,
    }));
    const { rows } = await this.database.query<{ noted: boolean }>(
      'noting refusals in the outbox',
      'select {schema}.outbox_refuse($1, $2, $3, $4) as noted',
      [partition, relay, token, JSON.stringify(refused)],
    );
    return rows[0]!.noted ? 'noted' : 'lost';
  }

  async release(relay: string): Promise<void> {
    await this.database.query(
      'giving partitions of the outbox back',
      'update {schema}.outbox_partition set relay = null, expires_at = null where relay = $1',
      [relay],
    );
  }

  async lag(): Promise<OutboxLag> {
    const { rows } = await this.database.query<OutboxLag>('reading the lag of the outbox', LAG);
    return rows[0]!;
  }

  async deadRows(page: {
    readonly limit: number;
    readonly after?: string | undefined;
  }): Promise<DeadRowPage> {
    const { limit, after = '0' } = page;
    const { rows } = await this.database.query<StoredDead>(
      'reading dead rows of the outbox',
      DEAD_ROWS,
      [after, limit + 1],
    );
    const items = rows.slice(0, limit).map(toDeadRow);
    return rows.length > limit ? { items, next: items.at(-1)!.id } : { items };
  }

  async redrive(ids: readonly string[]): Promise<number> {
    return this.database.transaction('redriving dead rows of the outbox', async (own) => {
      const { rows } = await own.query<{ id: string; key: string }>(
        'redriving dead rows of the outbox',
        'select id::text, key from {schema}.outbox_dead where id = any($1::bigint[]) for update',
        [ids],
      );
      const places = rows.map(({ id, key }) => ({ id, partition: partitionOf(fromStored(key)) }));
      const { rowCount } = await own.query('redriving dead rows of the outbox', REDRIVE, [
        ids,
        JSON.stringify(places),
      ]);
      return rowCount ?? 0;
    });
  }

  async purge(ids: readonly string[]): Promise<number> {
    const { rowCount } = await this.database.query(
      'deleting dead rows of the outbox',
      'delete from {schema}.outbox_dead where id = any($1::bigint[])',
      [ids],
    );
    return rowCount ?? 0;
  }

  close(): Promise<void> {
    return this.database.close();
  }
}

interface NextAnswer {
  readonly rows: readonly StoredRow[];
  readonly doubt: number;
  readonly retry: number | null;
}

function toDeadRow(stored: StoredDead): DeadRow {
  const { id, key, writtenAt, diedAt, refusals, error } = stored;
  return { id, key: fromStored(key), entry: toEntry(stored), writtenAt, diedAt, refusals, error };
}
