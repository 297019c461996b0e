import { randomBytes } from 'node:crypto';
import { backoffDelay } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { API_ERRORS, isReply } from '../errors/nats-reply.error.js';
import { typedError } from '../errors/typed-error.js';
import type { InternalStream } from './internal-stream.js';
import { Page, type ScannedPage } from './scan-page.js';
import type { AnsweredMessage } from './stored-message.js';

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
  /** Several servers have the stream. The last page then holds what the leader has. */
  readonly replicated?: boolean;
}

/** The server gives up a page after this time, in nanoseconds: half a second. */
const EXPIRES = 500_000_000;
/** How often a page is asked for while nothing comes of it. */
const MOST_TRIES = 6;

/** Waits for a server that is behind, in milliseconds. */
const CATCHING_UP = { type: 'exponential', delay: 25, maxDelay: 500, jitter: 0 } as const;

const BEHIND = new Error('the servers are behind the leader of the stream');

const NOTHING = { messages: [], more: false, cut: undefined } as const;

/**
 * Reads messages of a stream from the oldest to the newest, in pages, by a consumer that lives for the
 * scan. Two requests for the first page, and one for each further page. Where the consumer is lost, or
 * messages that it counted are deleted meanwhile, another consumer goes on.
 */
export class Scan {
  private name: string | undefined;
  /** The lowest sequence that was not read. */
  private next: number;
  private mostAtOnce = Infinity;

  constructor(private readonly options: ScanOptions) {
    this.next = options.from;
  }

  /** @param limit most messages. A page of large messages has fewer. */
  async page(limit: number): Promise<ScannedPage> {
    for (let tries = 1; ; tries++) {
      const page = await this.tryPage(limit);
      const { messages, more } = page;
      const isBehind = page.cut === undefined && !more && (await this.isBehind());
      if (page.cut === undefined && !isBehind) return page;
      this.end();
      if (this.refusedBatch(page.cut)) continue;
      if (messages.length > 0) return { messages, more: true };
      if (tries === MOST_TRIES)
        throw typedError(page.cut ?? BEHIND, this.options.action, 'not-sent');
      if (isBehind) await sleep(systemClock, backoffDelay(CATCHING_UP, tries));
    }
  }

  /** Whether an administrator has bounded how many messages one request may ask for: it is heeded. */
  private refusedBatch(cut: Error | undefined): boolean {
    const bound = /MaxRequestBatch of (\d+)/i.exec(cut?.message ?? '')?.[1];
    const isLower = bound !== undefined && Number(bound) < this.mostAtOnce;
    if (isLower) this.mostAtOnce = Number(bound);
    return isLower;
  }

  /** The page has no cut where there is nothing to read. */
  private async tryPage(limit: number): Promise<ScannedPage & Pick<Page, 'cut'>> {
    if (this.name === undefined && !(await this.begin())) return NOTHING;
    const page = await this.pull(Math.min(limit, this.mostAtOnce));
    const last = page.messages.at(-1);
    if (last) this.next = last.sequence + 1;
    return page;
  }

  /**
   * Whether the leader of the stream has messages that were not read. The consumer may be on a server
   * that gets them a moment later.
   */
  private async isBehind(): Promise<boolean> {
    const { stream, action, subject, replicated } = this.options;
    if (!replicated) return false;
    try {
      const { message } = await stream.run(action, () =>
        stream.api<{ message: AnsweredMessage }>(action, 'STREAM.MSG.GET', {
          last_by_subj: subject,
        }),
      );
      return message.seq >= this.next;
    } catch (error) {
      if (isReply(error, API_ERRORS.noMessageFound)) return false;
      throw error;
    }
  }

  private async pull(limit: number): Promise<Page> {
    const { connection, stream, action } = this.options;
    const client = await connection.client(action);
    const inbox = connection.inbox();
    const page = new Page(limit);
    const subscription = client.subscribe(inbox, {
      callback: (error, message) => page.take(error, message),
    });
    try {
      const request = { batch: limit, no_wait: true, expires: EXPIRES, max_bytes: this.bytes };
      const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream.name}.${this.name}`;
      client.publish(subject, JSON.stringify(request), { reply: inbox });
      await connection.answered(action, () => page.whole());
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
    const { stream, action, subject, headersOnly = false } = this.options;
    const name = `scan-${randomBytes(8).toString('hex')}`;
    const config = {
      name,
      deliver_policy: 'by_start_sequence',
      opt_start_seq: this.next,
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
