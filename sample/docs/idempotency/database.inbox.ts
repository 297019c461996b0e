import type {
  CompletionKey,
  Inbox,
  InboxOutcome,
} from 'nestjs-redis-streams/driver';
import type { Database, Transaction } from './database.js';

/** Notes in a table of the database, beside what the handler writes. */
export class DatabaseInbox implements Inbox<Transaction> {
  constructor(private readonly database: Database) {}

  run<T>(
    { stream, group, handler, key }: CompletionKey,
    ttl: number,
    work: (transaction: Transaction) => Promise<T>,
  ): Promise<InboxOutcome<T>> {
    const note = JSON.stringify([stream, group, handler, key]);
    // Rolls back where this function rejects, or where two transactions write the same note.
    return this.database.transaction(async (transaction) => {
      const first = await transaction.note(note, ttl); // insert … on conflict do nothing
      if (!first) return { duplicate: true };
      return { duplicate: false, result: await work(transaction) };
    });
  }
}
