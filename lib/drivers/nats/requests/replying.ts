import type { NatsConnection as Client, Subscription } from '@nats-io/transport-node';
import { fieldOf } from '../../../core/codecs/codec.js';
import { PayloadTooLargeError } from '../../../core/errors/publishing.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { OutgoingReply } from '../../../core/reply.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { Names } from '../names/names.js';
import { clientHeaders } from '../wire/client-headers.js';
import { encodeEntry } from '../wire/encode-entry.js';
import { sizeOf } from '../wire/wire-size.js';

type Outcome = 'sent' | 'gone' | Error;

export interface ReplyingParts {
  readonly connection: NatsConnection;
  readonly names: Pick<Names, 'replies'>;
}

/**
 * Sends answers. The server says at once where no box listens to an address: what it has not said
 * before it answers the ping behind the answers was sent.
 */
export class Replying {
  private client: Client | undefined;
  private complaints: Subscription | undefined;
  private prefix = '';
  private count = 0;
  private closed = false;
  /** Numbers of the answers for which there was no box, until their call ends. */
  private readonly gone = new Set<number>();
  /** The ping behind all that this turn sends. */
  private ping: Promise<void> | undefined;

  /** Answers under way, by number: the subject of each. */
  private readonly underWay = new Map<number, string>();
  /** Numbers of answers that the server does not let this user send. */
  private readonly refused = new Map<number, Error>();
  private readonly unlisten: () => void;

  constructor(private readonly parts: ReplyingParts) {
    this.unlisten = parts.connection.onRefused.add((error) => {
      for (const [number, subject] of this.underWay) {
        if (error.key === subject) this.refused.set(number, error);
      }
    });
  }

  async send(replies: readonly OutgoingReply[]): Promise<Outcome[]> {
    const { connection } = this.parts;
    const numbers: (number | Error)[] = [];
    try {
      if (this.closed) throw new ClosedError('The connection to NATS');
      // At once where possible: the answers go ahead of what is settled after this call.
      const client = connection.live ?? (await connection.client('answering'));
      for (const reply of replies) numbers.push(this.write(client, reply));
      await this.pinged();
      return numbers.map((number) => this.outcomeOf(number));
    } catch (error) {
      return replies.map(() => error as Error);
    } finally {
      for (const number of numbers) this.forget(number);
    }
  }

  close(): void {
    this.closed = true;
    this.unlisten();
    this.complaints?.unsubscribe();
  }

  /** Returns the number of the answer, or the error for which it was not sent. */
  private write(client: Client, { to, fields }: OutgoingReply): number | Error {
    const { connection, names } = this.parts;
    if (client !== this.client) this.listen(client);
    const message = encodeEntry(fields);
    const [size, limit] = [sizeOf(message), connection.maxPayload];
    if (size > limit) return tooLarge(fields, size, limit);
    const headers = clientHeaders(() => connection.headers(), message.headers);
    const number = ++this.count;
    const subject = names.replies(to);
    this.underWay.set(number, subject);
    const reply = this.prefix + number;
    client.publish(subject, message.body, { reply, ...(headers && { headers }) });
    return number;
  }

  private outcomeOf(number: number | Error): Outcome {
    if (number instanceof Error) return number;
    return this.refused.get(number) ?? (this.gone.has(number) ? 'gone' : 'sent');
  }

  private forget(number: number | Error): void {
    if (number instanceof Error) return;
    this.underWay.delete(number);
    this.refused.delete(number);
    this.gone.delete(number);
  }

  private listen(client: Client): void {
    this.client = client;
    this.prefix = `${this.parts.connection.inbox()}.`;
    this.complaints = client.subscribe(`${this.prefix}*`, {
      callback: (error, message) => {
        if (error || message.headers?.code !== 503) return;
        this.gone.add(Number(message.subject.slice(this.prefix.length)));
      },
    });
  }

  /** Resolves when the server has all that was sent in this turn, and its complaints have arrived. */
  private pinged(): Promise<void> {
    this.ping ??= Promise.resolve().then(() => {
      this.ping = undefined;
      return this.parts.connection.flush('answering');
    });
    return this.ping;
  }
}

function tooLarge(fields: readonly string[], size: number, limit: number): Error {
  const what = fieldOf(fields, 'event_type') ?? 'answer to a request';
  return new PayloadTooLargeError(size, limit, what, 'the NATS server');
}
