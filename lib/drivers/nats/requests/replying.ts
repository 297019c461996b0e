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

  constructor(private readonly parts: ReplyingParts) {}

  async send(replies: readonly OutgoingReply[]): Promise<Outcome[]> {
    const { connection } = this.parts;
    const numbers: (number | Error)[] = [];
    try {
      if (this.closed) throw new ClosedError('The connection to NATS');
      // At once where possible: the answers go ahead of what is settled after this call.
      const client = connection.live ?? (await connection.client('answering'));
      for (const reply of replies) numbers.push(this.write(client, reply));
      await this.pinged();
    } catch (error) {
      return replies.map(() => error as Error);
    }
    return numbers.map((number) =>
      number instanceof Error ? number : this.gone.delete(number) ? 'gone' : 'sent',
    );
  }

  close(): void {
    this.closed = true;
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
    const reply = this.prefix + number;
    client.publish(names.replies(to), message.body, { reply, ...(headers && { headers }) });
    return number;
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
