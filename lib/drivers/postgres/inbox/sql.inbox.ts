import { randomUUID } from 'node:crypto';
import type { CompletionKey } from '../../../core/completion.js';
import type { Inbox, InboxOutcome } from '../../../ports/inbox.js';
import type { SqlTransaction, Transactions } from '../../../ports/sql-transaction.js';
import { completionKey, formerCompletionKey } from '../completions/completion-key.js';
import type { SchemaName, Statements } from '../connection/statements.js';
import { Places } from './places.js';

export interface SqlInboxParts<T> {
  /** For looking into the inbox, outside of the transactions. */
  readonly database: Statements;
  readonly schema: SchemaName;
  readonly keyPrefix: string;
  readonly transactions: Transactions<T>;
  /** How many runs may be under way at a time. Others wait for their turn. */
  readonly most: number;
}

const NOTE = `insert into {schema}.inbox as noted (key, run, expires_at)
  values ($1, $2, statement_timestamp() + $3::float8 * interval '1 ms')
  on conflict (key) do update set run = excluded.run, expires_at = excluded.expires_at
  where noted.expires_at <= statement_timestamp() returning run`;

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

  constructor(private readonly parts: SqlInboxParts<T>) {
    this.places = new Places(parts.most);
  }

  run<R>(
    key: CompletionKey,
    ttl: number,
    work: (transaction: T) => Promise<R>,
  ): Promise<InboxOutcome<R>> {
    return this.places.run(() => this.runNow(key, ttl, work));
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

  /** @throws AlreadyNoted where another run has committed its note since */
  private async note(
    sql: SqlTransaction,
    key: CompletionKey,
    { run, ttl }: { readonly run: string; readonly ttl: number },
  ): Promise<void> {
    const { schema, keyPrefix } = this.parts;
    const values = [completionKey(keyPrefix, key), run, ttl];
    const { rows } = await sql.query(schema.into(NOTE), values);
    if (rows.length === 0) throw new AlreadyNoted();
  }
}
