import { chunksOf } from '../../../core/collections/chunks.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { PublishQueue } from '../../publish-queue/publish-queue.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import { PostgresConnectionError } from '../errors/postgres-connection.errors.js';
import { sqlStateOf } from '../errors/typed-error.js';
import type { Streams } from '../streams/streams.js';
import { problemOf } from './entry-problem.js';
import { tellOfMessages } from './message-hints.js';
import { publishStatement } from './publish-statement.js';
import { withStreams } from './with-streams.js';

/** Most entries, and most characters, that one statement publishes. */
const AT_ONCE = 1000;
const MOST_CHARACTERS = 8_000_000;

export interface PublishingParts {
  readonly database: Database;
  readonly streams: Streams;
  readonly hints: Hints;
}

type Result = string | Error;

/** Publishes entries. Returns one id, or one error, for each. */
export class Publishing {
  private readonly queue = new PublishQueue((entries) => this.publishInOrder(entries));

  constructor(private readonly parts: PublishingParts) {}

  publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    if (entries.length === 0) return Promise.resolve([]);
    // An idempotency key may have to wait for a transaction of the application that has it, too.
    if (entries.some(({ idempotency }) => idempotency)) return this.publishInOrder(entries);
    return this.queue.publish(entries);
  }

  /** Resolves once all calls have been answered. */
  idle(): Promise<void> {
    return this.queue.idle();
  }

  private async publishInOrder(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    const results = entries.map((entry): Result | undefined =>
      problemOf(entry, this.parts.streams),
    );
    const good = entries.flatMap((entry, index) => (results[index] ? [] : [{ entry, index }]));
    const chunks = chunksOf(good, AT_ONCE, ({ entry }) => lengthOf(entry), MOST_CHARACTERS);
    // One after the other: the order of a stream is that of the entries. What follows a failure is not
    // sent: a caller that sends the failed ones again would have them behind it.
    let failure: Error | undefined;
    for (const chunk of chunks) {
      const published = failure
        ? notSent(chunk.length, failure)
        : await this.publishChunk(chunk.map(({ entry }) => entry));
      failure ??= published.find(isOfAll);
      for (const [place, { index }] of chunk.entries()) results[index] = published[place]!;
    }
    return results as Result[];
  }

  private async publishChunk(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    try {
      const ids = await withStreams(
        this.parts.streams,
        entries.map(({ stream }) => stream),
        (numbers) => this.send(entries, numbers),
      );
      return ids;
    } catch (error) {
      if (entries.length === 1 || !isOfOneEntry(error)) return entries.map(() => error as Error);
      const results: Result[] = [];
      let failure: Error | undefined;
      for (const entry of entries) {
        const [result] = failure ? notSent(1, failure) : await this.publishChunk([entry]);
        if (isOfAll(result)) failure ??= result;
        results.push(result!);
      }
      return results;
    }
  }

  private async send(entries: readonly OutgoingEntry[], numbers: readonly number[]) {
    const { database, hints } = this.parts;
    const { text, values } = publishStatement(entries, numbers);
    const { rows } = await database.query<{ ids: string[] }>('publishing', text, values);
    tellOfMessages(hints, numbers);
    return rows[0]!.ids;
  }
}

/** The server has refused the value of some entry: nothing was published. */
function isOfOneEntry(error: unknown): boolean {
  const state = sqlStateOf((error as Error).cause);
  return state !== undefined && /^(22|54)/.test(state);
}

/** The error does not tell of this entry alone: what follows it would fail, or overtake it. */
const isOfAll = (result: Result | undefined): result is Error =>
  result instanceof Error && !isOfOneEntry(result);

/** The results of entries behind a failure. */
function notSent(count: number, failure: Error): Error[] {
  const isAway = failure instanceof ConnectionError;
  const error = isAway ? new PostgresConnectionError('not-sent', 'publishing', failure) : failure;
  return Array.from({ length: count }, () => error);
}

function lengthOf({ fields }: OutgoingEntry): number {
  let length = 0;
  for (const text of fields) length += text.length;
  return length;
}
