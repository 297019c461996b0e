import type { OutgoingEntry } from '../../../core/message.js';
import { isDelayed } from '../../../ports/delays.js';
import type { SqlTransaction } from '../../../ports/sql-transaction.js';
import type { Database } from '../connection/database.js';
import { scheduleStatement } from '../delays/schedule-statement.js';
import { isStreamUnknown } from '../publishing/with-streams.js';
import type { Streams } from '../streams/streams.js';
import { queryWithin, requireOpenTransaction } from './open-transaction.js';
import { problemOf } from '../publishing/entry-problem.js';
import { publishStatement, type PublishStatement } from '../publishing/publish-statement.js';

const ACTION = 'publishing within a transaction';

interface Parts {
  readonly database: Database;
  readonly streams: Streams;
}

/**
 * Publishes entries within a transaction of the application, and schedules those that are delayed. No
 * hint is sent: it would make the commit wait for those of others. Returns one id for each entry.
 * @throws InvalidMessageError, NameTooLongError, and what the server answers: the transaction takes no more statements
 * then
 */
export async function publishWithin(
  transaction: SqlTransaction,
  entries: readonly OutgoingEntry[],
  { database, streams }: Parts,
): Promise<string[]> {
  requireOpenTransaction(transaction);
  const problem = entries
    .map((entry) => problemOf(entry, streams))
    .find((found) => found !== undefined);
  if (problem) throw problem;
  const names = entries.map(({ stream }) => stream);
  // Where the streams are known the statement is sent in the turn of the call, before a COMMIT that
  // comes after the call. Names of streams outlive a rollback.
  const ids = streams.known(names) ?? (await streams.idsOf(names, database.aside));
  const numbers = new Map(names.map((name, at) => [name, ids[at]!]));
  const send = async ({ text, values }: PublishStatement): Promise<string[]> => {
    // It may have ended meanwhile, where the caller does not await this.
    requireOpenTransaction(transaction);
    const sql = database.schema.into(text);
    const rows = await queryWithin<{ ids: string[] }>(transaction, ACTION, sql, values);
    return rows[0]!.ids;
  };
  const numbersOf = (some: readonly OutgoingEntry[]) =>
    some.map(({ stream }) => numbers.get(stream)!);
  const delayed = entries.filter(isDelayed);
  const others = entries.filter((entry) => !isDelayed(entry));
  try {
    // One statement after the other, since a client of pg carries out one at a time.
    const ofDelayed =
      delayed.length > 0 ? await send(scheduleStatement(delayed, numbersOf(delayed))) : [];
    const ofOthers =
      others.length > 0 ? await send(publishStatement(others, numbersOf(others))) : [];
    let [next, nextOther] = [0, 0];
    return entries.map((entry) => (isDelayed(entry) ? ofDelayed[next++]! : ofOthers[nextOther++]!));
  } catch (error) {
    // The tables were made anew. The next transaction looks the streams up again.
    if (isStreamUnknown(error)) streams.forget(names);
    throw error;
  }
}
