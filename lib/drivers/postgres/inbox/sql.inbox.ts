import { randomUUID } from 'node:crypto';
import type { CompletionKey } from '../../../core/completion.js';
import type { Inbox, InboxOutcome } from '../../../ports/inbox.js';
import type { Transactions } from '../../../ports/sql-transaction.js';
import { completionKey, formerCompletionKey } from '../completions/completion-key.js';
import type { SchemaName, Statements } from '../connection/statements.js';
import { InboxTransactionError } from '../errors/inbox.errors.js';
import { MARK, type MarkedTransaction } from './marked-transaction.js';
import { Places } from './places.js';
import { OpenRuns } from './open-runs.js';

export interface SqlInboxParts<T> {
  /** For looking into the inbox, outside of the transactions. */
  readonly database: Statements;
  readonly schema: SchemaName;
  readonly keyPrefix: string;
  readonly transactions: Transactions<T>;
  /** How many runs may be under way at a time. Others wait for their turn. */
  readonly most: number;
}

/** Writes nothing where the transaction has a mark and the handler has begun another transaction. */
const NOTE = `with noted as (
    insert into {schema}.inbox as noted (key, run, expires_at)
    select $1, $2::uuid, statement_timestamp() + $3::float8 * interval '1 ms'
    where $4::text is null or current_setting('${MARK}', true) = $4
    on conflict (key) do update set run = excluded.run, expires_at = excluded.expires_at
    where noted.expires_at <= statement_timestamp() returning run)
  select (select run from noted) as run,
    $4::text is not null and current_setting('${MARK}', true) is distinct from $4 as ended`;

const LOOK = `select run from {schema}.inbox
  where key = any ($1) and expires_at > statement_timestamp()`;

/** Rolls back the transaction of a run that was not the first one. */
class AlreadyNoted extends Error {}

/**
 * An inbox in the database that the handlers write to. The note is the last statement of the
 * transaction: a second run at the same time waits there until the first one has committed, and is
 * rolled back.
 */
export class SqlInbox<T> implements Inbox<T> {
  private readonly places: Places;
  private readonly open = new OpenRuns();

  constructor(private readonly parts: SqlInboxParts<T>) {
    this.places = new Places(parts.most);
  }

  /** @throws InboxTransactionError where it is called by `work` of another run */
  async run<R>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: T) => Promise<R>,
  ): Promise<InboxOutcome<R>> {
    // Runs that wait for a turn within their turn would wait for each other.
    if (this.open.isWithin()) throw new InboxTransactionError('nested');
    return this.places.run(() =>
      this.runNow(key, ttl, (transaction) => this.open.run(() => work(transaction))),
    );
  }

  private async runNow<R>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: T) => Promise<R>,
  ): Promise<InboxOutcome<R>> {
    if ((await this.notedBy(key)) !== undefined) return { duplicate: true };
    const run = randomUUID();
    let done: { readonly result: R } | undefined;
    try {
      const result = await this.parts.transactions.run(async (transaction, sql) => {
        done = { result: await work(transaction) };
        await this.note(sql, key, { run, ttl });
        return done.result;
      });
      return { duplicate: false, result };
    } catch (error) {
      if (error instanceof AlreadyNoted) return { duplicate: true };
      // The commit failed, or its answer was lost. Under a strict isolation level the second of two
      // runs ends like this. The note says whose writes have taken effect.
      const by = done && (await this.notedBy(key).catch(() => undefined));
      if (by === undefined) throw error;
      return by === run ? { duplicate: false, result: done!.result } : { duplicate: true };
    }
  }

  /** The run that wrote the note. Undefined where there is none. */
  private async notedBy(key: CompletionKey): Promise<string | undefined> {
    const { database, keyPrefix } = this.parts;
    const names = [completionKey(keyPrefix, key), formerCompletionKey(keyPrefix, key)];
    const known = names.filter((name) => name !== undefined);
    const { rows } = await database.query<{ run: string }>('looking into the inbox', LOOK, [known]);
    return rows[0]?.run;
  }

  /**
   * @throws AlreadyNoted where another run has committed its note since
   * @throws InboxTransactionError where the handler has ended the transaction
   */
  private async note(
    sql: MarkedTransaction,
    key: CompletionKey,
    { run, ttl }: { readonly run: string; readonly ttl: number },
  ): Promise<void> {
    const { schema, keyPrefix } = this.parts;
    const values = [completionKey(keyPrefix, key), run, ttl, sql.mark ?? null];
    const { rows } = await sql.query(schema.into(NOTE), values);
    const [noted] = rows as readonly { readonly run: string | null; readonly ended: boolean }[];
    if (noted!.ended) throw new InboxTransactionError('ended');
    if (noted!.run === null) throw new AlreadyNoted();
  }
}
