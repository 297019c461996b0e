import type { Msg } from '@nats-io/transport-node';
import { systemClock } from '../../../core/clock.js';
import { asError } from '../../../core/errors/error-record.js';
import { readHeaders } from '../wire/read-headers.js';
import type { StoredMessage } from './stored-message.js';

/** A server that sends nothing for this long has lost the page, in milliseconds. */
const SILENT = 2000;

export interface ScannedPage {
  /** Oldest first. */
  readonly messages: readonly StoredMessage[];
  /** Whether there are messages behind these. */
  readonly more: boolean;
}

/** The messages that answer one request, as they come. */
export class Page implements ScannedPage {
  readonly messages: StoredMessage[] = [];
  more = true;
  /** Why the server sent fewer messages than it has. */
  cut: Error | undefined;
  private ended = false;
  private heardAt = systemClock.now();
  private onEnd: (() => void) | undefined;

  constructor(private readonly limit: number) {}

  /** Never throws: the client would read nothing more of the whole connection. */
  take(error: Error | null, message: Msg): void {
    try {
      if (error) this.end(error);
      else if (!this.ended) this.add(message);
    } catch (problem) {
      this.end(asError(problem));
    }
  }

  private add(message: Msg): void {
    this.heardAt = systemClock.now();
    const headers = readHeaders(message);
    if (headers?.code) return this.end(statusError(headers.description));
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

  /** No more messages come. */
  end(cut?: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.cut = cut;
    this.onEnd?.();
  }

  /** Resolves when no more messages come. */
  whole(): Promise<void> {
    return new Promise((resolve) => {
      const watch = setInterval(() => {
        if (systemClock.now() - this.heardAt >= SILENT)
          this.end(new Error('the server fell silent'));
      }, SILENT / 10);
      this.onEnd = () => {
        clearInterval(watch);
        resolve();
      };
      if (this.ended) this.onEnd();
    });
  }
}

/** Undefined: the page has as many bytes as it may. */
const statusError = (description: string): Error | undefined =>
  /maxbytes/i.test(description) ? undefined : new Error(description);

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
