import { randomBytes } from 'node:crypto';
import type { Msg } from '@nats-io/transport-node';
import { systemClock } from '../../../core/clock.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { typedError } from '../errors/typed-error.js';
import type { InternalStream } from './internal-stream.js';
import type { StoredMessage } from './stored-message.js';

/** Most bytes of one page, in case the messages are large. */
const PAGE_BYTES = 16 * 1024 * 1024;
/** The server forgets a scan that rests for this long, in nanoseconds: a minute. */
const FORGOTTEN_AFTER = 60_000_000_000;

export interface ScanOptions {
  readonly connection: NatsConnection;
  readonly stream: Pick<InternalStream, 'name' | 'run' | 'api'>;
  /** What the caller is doing, for errors. */
  readonly action: string;
  /** Subject of the messages; `*` and `>` as NATS knows them. */
  readonly subject: string;
  /** Lowest sequence. */
  readonly from: number;
  /** Leave out the bodies. */
  readonly headersOnly?: boolean;
}

export interface ScannedPage {
  /** Oldest first. */
  readonly messages: readonly StoredMessage[];
  /** Whether there are messages behind these. */
  readonly more: boolean;
}

const NOTHING: ScannedPage = { messages: [], more: false };

/**
 * Reads messages of a stream from the oldest to the newest, in pages, by a consumer that lives for the
 * scan. Two requests for the first page, and one for each further page.
 */
export class Scan {
  private name: string | undefined;

  constructor(private readonly options: ScanOptions) {}

  /** @param limit most messages. A page of large messages has fewer. */
  async page(limit: number): Promise<ScannedPage> {
    if (this.name === undefined && !(await this.begin())) return NOTHING;
    const { connection, stream, action } = this.options;
    const client = await connection.client(action);
    const inbox = connection.inbox();
    const page = new Page(limit);
    const subscription = client.subscribe(inbox, {
      callback: (error, message) => (error ? page.fail(error) : page.add(message)),
    });
    try {
      const request = { batch: limit, no_wait: true, max_bytes: this.bytes };
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${this.name}`;
      client.publish(subject, JSON.stringify(request), { reply: inbox });
      await connection.answered(action, () => page.full(action));
    } finally {
      subscription.unsubscribe();
    }
    return page;
  }

  /** The server forgets the scan. It does so by itself after a minute. */
  end(): void {
    const { connection, stream } = this.options;
    if (this.name === undefined) return;
    connection.live?.publish(`$JS.API.CONSUMER.DELETE.${stream.name}.${this.name}`);
    this.name = undefined;
  }

  /** Returns false where there is nothing to read. */
  private async begin(): Promise<boolean> {
    const { stream, action, subject, from, headersOnly = false } = this.options;
    const name = `scan-${randomBytes(8).toString('hex')}`;
    const config = {
      name,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: from,
      filter_subject: subject,
      ack_policy: 'none',
      headers_only: headersOnly,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: FORGOTTEN_AFTER,
    };
    const body = { stream_name: stream.name, config, action: 'create' };
    const { num_pending } = await stream.run(action, () =>
      stream.api<{ num_pending: number }>(action, 'CONSUMER.CREATE', body, `.${name}.${subject}`),
    );
    this.name = name;
    if (num_pending === 0) this.end();
    return num_pending > 0;
  }

  private get bytes(): number {
    return Math.max(PAGE_BYTES, 2 * this.options.connection.maxPayload);
  }
}

/** The messages that answer one request, as they come. */
class Page implements ScannedPage {
  readonly messages: StoredMessage[] = [];
  more = true;
  private onEnd: (() => void) | undefined;
  private problem: Error | undefined;
  private ended = false;
  private heardAt = systemClock.now();

  constructor(private readonly limit: number) {}

  add(message: Msg): void {
    this.heardAt = systemClock.now();
    const { headers } = message;
    if (headers?.code) return this.endBy(headers.code, headers.description);
    const { sequence, time, pending } = placeOf(message.reply!);
    this.messages.push({
      subject: message.subject,
      sequence,
      time,
      headers: new Map(headers ? [...headers].map(([name, values]) => [name, values.at(-1)!]) : []),
      body: Buffer.from(message.data),
    });
    this.more = pending > 0;
    if (!this.more || this.messages.length === this.limit) this.end();
  }

  fail(error: Error): void {
    this.problem = error;
    this.end();
  }

  /** Resolves when the page is there. Rejects where the server falls silent. */
  full(action: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const watch = setInterval(() => {
        if (systemClock.now() - this.heardAt < SILENT) return;
        this.fail(new Error('the server sent no more messages'));
      }, SILENT / 10);
      this.onEnd = () => {
        clearInterval(watch);
        if (this.problem === undefined) resolve();
        else reject(typedError(this.problem, action, 'not-sent'));
      };
      if (this.ended) this.onEnd();
    });
  }

  /** 404: there are no more. 409 with the bytes of the page: they follow. All else is a failure. */
  private endBy(code: number, description: string): void {
    if (code === 404 || code === 408) this.more = false;
    else if (!/maxbytes/i.test(description)) this.problem = new Error(description);
    this.end();
  }

  private end(): void {
    this.ended = true;
    this.onEnd?.();
  }
}

/** A server that sends nothing for this long in the middle of a page has lost it, in milliseconds. */
const SILENT = 5000;

/** Reads `$JS.ACK.<stream>.<consumer>.<deliveries>.<sequence>.<of the consumer>.<time>.<pending>`. */
function placeOf(reply: string): { sequence: number; time: number; pending: number } {
  const tokens = reply.split('.');
  // Another form has the domain and the account in front of the stream, and a token at the end.
  const at = tokens.length > 9 ? 4 : 2;
  return {
    sequence: Number(tokens[at + 3]),
    // Nanoseconds are more than a number holds exactly.
    time: Number(tokens[at + 5]!.slice(0, -6)),
    pending: Number(tokens[at + 6]),
  };
}
