import { PayloadTooLargeError } from '../../../core/errors/publishing.errors.js';
import type { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { OutgoingEntry } from '../../../core/message.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { typedError } from '../errors/typed-error.js';
import type { Names } from '../names/names.js';
import { entryMessage } from '../publishing/entry-message.js';
import { Subjects } from '../publishing/subjects.js';
import { clientHeaders } from '../wire/client-headers.js';
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
  private readonly subjects: Subjects;

  constructor(
    private readonly connection: NatsConnection,
    names: Names,
  ) {
    this.subjects = new Subjects(names);
  }

  /**
   * Sends the entries together, in their order. Resolves when the server has them, and does not
   * say whether a consumer does.
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
    const { stream } = entry;
    const subject = this.subjects.of(stream);
    const made = entryMessage(entry, subject);
    if (made instanceof Error) return made;
    const { body, headers, eventType = stream } = made;
    const id = newId();
    const message = { id, subject, body, headers: [...headers, ID_HEADER, id] };
    const [size, limit] = [sizeOf(message), this.connection.maxPayload];
    if (size <= limit) return message;
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
