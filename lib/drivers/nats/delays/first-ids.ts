import { delayedId } from '../../../ports/delays.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import { DELAYS_SINCE } from '../errors/delays-unsupported.error.js';
import type { Stored } from '../publishing/nats-message.js';
import { nameInSubject } from './delay-names.js';

/** Finds the ids of messages that were published before with the same idempotency key. */
export class FirstIds {
  constructor(private readonly connection: NatsConnection) {}

  /**
   * Returns the id of the message that the server names as the first with the key. It may be one that
   * is, or was, delayed.
   * @param otherwise the id where the server cannot tell, because that message is gone. By default the
   * id of a message that was published at once
   */
  async of({ stream, seq }: Stored, otherwise = String(seq)): Promise<string> {
    if (!this.connection.atLeast(DELAYS_SINCE)) return String(seq);
    const action = 'looking for the first message with an idempotency key';
    try {
      const js = await this.connection.js(action);
      const { message } = await js.request<{ readonly message: { readonly subject: string } }>(
        action,
        `STREAM.MSG.GET.${stream}`,
        { seq },
      );
      const name = nameInSubject(message.subject);
      return name === undefined ? String(seq) : delayedId(name);
    } catch {
      // The message is there, or was, also where this request has failed.
      return otherwise;
    }
  }
}
