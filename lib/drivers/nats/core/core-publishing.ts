import { fieldOf } from '../../../core/codecs/codec.js';
import {
  InvalidMessageError,
  PayloadTooLargeError,
} from '../../../core/errors/publishing.errors.js';
import type { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { typedError } from '../errors/typed-error.js';
import type { Names } from '../names/names.js';
import { clientHeaders } from '../wire/client-headers.js';
import { encodeEntry } from '../wire/encode-entry.js';
import { ID_HEADER } from '../wire/own-headers.js';
import { sizeOf } from '../wire/wire-size.js';
import { newId } from './core-ids.js';

interface CoreMessage {
  readonly id: string;
  readonly subject: string;
  readonly body: Uint8Array;
  readonly headers: readonly string[];
}

/** Publishes messages that no server keeps. */
export class CorePublishing {
  constructor(
    private readonly connection: NatsConnection,
    private readonly names: Names,
  ) {}

  /**
   * Sends the entries together, in their order. Resolves when the server has them: whether a consumer
   * does, no one knows.
   */
  async publish(entries: readonly OutgoingEntry[]): Promise<(string | Error)[]> {
    if (entries.length === 0) return [];
    try {
      await this.connection.client('publishing');
    } catch (error) {
      return entries.map(() => error as Error);
    }
    const messages = entries.map((entry) => this.messageOf(entry));
    const outcome = await this.send(
      messages.filter((one): one is CoreMessage => !(one instanceof Error)),
    );
    return messages.map((one) => (one instanceof Error ? one : outcome(one)));
  }

  private messageOf(entry: OutgoingEntry): CoreMessage | Error {
    const { stream, fields, hasBytes } = entry;
    if (fields.length === 0 || fields.length % 2 !== 0) {
      return new InvalidMessageError(
        `An entry for "${stream}" needs names and values in turn, at least one of each.`,
      );
    }
    const id = newId();
    const { body, headers } = encodeEntry(fields, hasBytes);
    const message = {
      ...{ id, body, subject: this.names.subject(stream) },
      headers: [...headers, ID_HEADER, id],
    };
    const [size, limit] = [sizeOf(message), this.connection.maxPayload];
    if (size <= limit) return message;
    const eventType = fieldOf(fields, 'event_type') ?? stream;
    return new PayloadTooLargeError(size, limit, eventType, 'the NATS server');
  }

  /** Returns what became of each message: its id, or an error. */
  private async send(
    messages: readonly CoreMessage[],
  ): Promise<(message: CoreMessage) => string | Error> {
    const refused = new Map<string, PermissionDeniedError>();
    const listening = this.connection.onRefused.add((error) => {
      if (error.command === 'publish' && error.key !== undefined) refused.set(error.key, error);
    });
    try {
      await this.connection.answered('publishing', () => this.write(messages));
      return ({ id, subject }) => refused.get(subject) ?? id;
    } catch (error) {
      const unknown = typedError(error, 'publishing');
      return ({ subject }) => refused.get(subject) ?? unknown;
    } finally {
      listening();
    }
  }

  private async write(messages: readonly CoreMessage[]): Promise<void> {
    const client = this.connection.live ?? (await this.connection.client('publishing'));
    for (const { subject, body, headers } of messages) {
      const own = clientHeaders(() => this.connection.headers(), headers);
      client.publish(subject, body, own && { headers: own });
    }
    await client.flush();
    // What the server refuses, it says before it answers; the client tells it a little later.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
