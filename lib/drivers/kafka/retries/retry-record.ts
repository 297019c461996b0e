import type { Headers } from '../connection/kafka-client.js';
import { splitHeaders, withOwnHeaders, type Copied, type RawRecord } from './own-headers.js';

/** What the headers of ours say of a message in a retry topic. */
export interface Retried {
  /** Stream, id and time of its first publication. The time is in milliseconds since the epoch. */
  readonly stream: string;
  readonly id: string;
  readonly publishedAt: number;
  /** Runs that were charged so far. */
  readonly attempts: number;
  /** When it is to run again, in milliseconds since the epoch. */
  readonly dueAt: number;
  /** The message was redriven from a dead letter. Rises with each redrive. */
  readonly redrive?: number;
}

/** A message of a retry topic. */
export interface RetryRecord extends Retried {
  /** It was redriven: it has a `redrive`. */
  readonly redriven?: true;
  /** The record as it was in its stream. */
  readonly record: RawRecord;
}

const STREAM = 'streams-retry-stream';
const ID = 'streams-retry-id';
const PUBLISHED = 'streams-retry-published';
const ATTEMPTS = 'streams-retry-attempts';
const DUE = 'streams-retry-due';
const REDRIVE = 'streams-retry-redrive';
const OWN = [STREAM, ID, PUBLISHED, ATTEMPTS, DUE, REDRIVE];

/** The headers of a copy in a retry topic. */
export function retryHeaders(original: Copied['headers'], retried: Retried): Headers {
  return withOwnHeaders(original, {
    [STREAM]: retried.stream,
    [ID]: retried.id,
    [PUBLISHED]: String(retried.publishedAt),
    [ATTEMPTS]: String(retried.attempts),
    [DUE]: String(Math.ceil(retried.dueAt)),
    [REDRIVE]: retried.redrive === undefined ? undefined : String(retried.redrive),
  });
}

/** Reads a record of a retry topic. Undefined: another program has written it. */
export function readRetry({ key, value, headers }: RawRecord): RetryRecord | undefined {
  const { own, original } = splitHeaders(headers, OWN);
  const [stream, id] = [own.get(STREAM), own.get(ID)];
  const [publishedAt, attempts, dueAt] = [PUBLISHED, ATTEMPTS, DUE].map((name) =>
    Number(own.get(name) ?? NaN),
  ) as [number, number, number];
  const isOurs = ![publishedAt, attempts, dueAt].some(Number.isNaN);
  if (!isOurs || stream === undefined || id === undefined) return undefined;
  const redrive = own.get(REDRIVE);
  return {
    ...{ stream, id, publishedAt, attempts, dueAt, record: { key, value, headers: original } },
    ...(redrive !== undefined && { redriven: true as const, redrive: Number(redrive) }),
  };
}
