import { backoffDelay, type BackoffPolicy } from '../core/backoff.js';
import { ConnectionError } from '../core/errors/connection.errors.js';
import { NotReplicatedError } from '../core/errors/publishing.errors.js';
import { ClosedError } from '../core/errors/start-up.errors.js';
import { StreamsError } from '../core/errors/streams.error.js';
import type { IdempotencyWindow, OutgoingEntry } from '../core/message.js';
import type { OutboxRefusal, OutboxRow } from '../ports/outbox-store.js';

/** Waits between two tries of a message that the source refuses. */
const REFUSED: BackoffPolicy = {
  type: 'exponential',
  delay: 1000,
  maxDelay: 300_000,
  jitter: 0.1,
};

/** A message that the source refused, and what becomes of it. */
export interface Refused {
  readonly row: OutboxRow;
  readonly error: Error;
  readonly refusal: OutboxRefusal;
}

/** What became of a batch. */
export interface Outcomes {
  /** Ids of the rows that are in their streams. */
  readonly published: readonly string[];
  readonly refused: readonly Refused[];
  /** Why the source takes nothing at present. Undefined: it does. */
  readonly outage: Error | undefined;
  /** Whether some rows are in their streams is not known. */
  readonly unknown: boolean;
}

/** Sorts the results of publishing rows. @param maxRefusals how often a message may be refused */
export function outcomesOf(
  rows: readonly OutboxRow[],
  results: readonly (string | Error)[],
  maxRefusals: number,
): Outcomes {
  const published: string[] = [];
  const refused: Refused[] = [];
  let outage: Error | undefined;
  let unknown = false;
  for (const [index, row] of rows.entries()) {
    const result = results[index]!;
    if (typeof result === 'string') published.push(row.id);
    else if (isOutage(result)) {
      outage ??= result;
      unknown ||= isUnknown(result);
    } else refused.push(refusedBy(result, row, maxRefusals));
  }
  return { published, refused, outage, unknown };
}

/** Codes of errors that a server answers to any message. It has done nothing. */
const OF_ANY_MESSAGE: ReadonlySet<string> = new Set([
  'SERVER_OUT_OF_MEMORY',
  'SERVER_RESOURCES',
  'READ_ONLY_SERVER',
  'STATEMENT_CANCELLED',
  'TRANSACTION_CONFLICT',
]);

const isOfAnyMessage = (error: Error): boolean =>
  error instanceof StreamsError && OF_ANY_MESSAGE.has(error.code);

/** The source takes no message at all: this one is tried again, and not counted. */
const isOutage = (error: Error): boolean =>
  isOfAnyMessage(error) ||
  error instanceof ConnectionError ||
  error instanceof NotReplicatedError ||
  error instanceof ClosedError;

/** Whether the message is in its stream is not known. */
const isUnknown = (error: Error): boolean =>
  !isOfAnyMessage(error) && !(error instanceof ConnectionError && error.outcome === 'not-sent');

function refusedBy(error: Error, row: OutboxRow, maxRefusals: number): Refused {
  const refusals = row.refusals + 1;
  const retryIn = refusals < maxRefusals ? backoffDelay(REFUSED, refusals) : undefined;
  return { row, error, refusal: { id: row.id, error: error.message, retryIn } };
}

/**
 * The entry to publish, with a key by which the source recognises it: that of the application, else
 * the name of the row.
 */
export function keyedEntry(row: OutboxRow, window: IdempotencyWindow): OutgoingEntry {
  const { entry, name, key: order } = row;
  const key = entry.idempotency?.key ?? `outbox-${name}`;
  // A message without a key of its own has the name of its stream there, and goes to any partition.
  return { ...entry, idempotency: { key, window }, ...(order !== entry.stream && { key: order }) };
}
