import { randomBytes } from 'node:crypto';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { JsStream } from '../streams/js-stream.js';

/** The server forgets a consumer that only counts after this time, in nanoseconds: five seconds. */
const FORGOTTEN_AFTER = 5_000_000_000;

/** Where to count from: a sequence, or a time in milliseconds since the epoch. */
export type CountFrom = { readonly sequence: number } | { readonly time: number };

export interface Counted {
  /** Messages from there to the end of the stream. */
  readonly count: number;
  /** The sequence that is counted from. */
  readonly from: number;
}

/** Counts the messages of a stream from some place on, by a consumer that is made for that. */
export async function countMessages(
  connection: NatsConnection,
  { name, subject }: JsStream,
  from: CountFrom,
): Promise<Counted> {
  const action = 'counting messages';
  const js = await connection.js(action);
  const consumer = `count-${randomBytes(8).toString('hex')}`;
  const config = {
    name: consumer,
    filter_subject: subject,
    ack_policy: 'none',
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: FORGOTTEN_AFTER,
    ...startOf(from),
  };
  const info = await js.request<{
    readonly num_pending: number;
    readonly delivered: { readonly stream_seq: number };
  }>(action, `CONSUMER.CREATE.${name}.${consumer}.${subject}`, {
    stream_name: name,
    config,
    action: 'create',
  });
  connection.live?.publish(`$JS.API.CONSUMER.DELETE.${name}.${consumer}`);
  return { count: info.num_pending, from: info.delivered.stream_seq + 1 };
}

const startOf = (from: CountFrom): object =>
  'time' in from
    ? { deliver_policy: 'by_start_time', opt_start_time: new Date(from.time).toISOString() }
    : { deliver_policy: 'by_start_sequence', opt_start_seq: Math.max(1, from.sequence) };

/**
 * The lowest sequence from which there are `keep` messages at most, between two sequences. In a few
 * requests where the sequences have gaps, and in one where they have none.
 */
export async function sequenceThatKeeps(
  count: (from: number) => Promise<number>,
  keep: number,
  [low, high]: readonly [low: number, high: number],
): Promise<number> {
  let [from, to] = [low, high];
  // Without gaps it is there.
  let guess = Math.max(from, to - keep);
  while (from < to) {
    if ((await count(guess)) <= keep) to = guess;
    else from = guess + 1;
    guess = (await isExact(count, keep, to, from)) ? to : Math.floor((from + to) / 2);
    if (guess === to) break;
  }
  return to;
}

/** Whether one more message would be too many. */
const isExact = async (
  count: (from: number) => Promise<number>,
  keep: number,
  at: number,
  low: number,
): Promise<boolean> => at <= low || (await count(at - 1)) > keep;
