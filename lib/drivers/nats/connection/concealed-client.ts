import type { NatsConnection as Client } from '@nats-io/transport-node';
import { concealed } from '../../../core/option-schema/concealed.js';

/**
 * Keeps `inspect` out of a client, which has the login in its options. Subscriptions and messages lead
 * to a part of the client that has them, too.
 */
export function concealedClient(client: Client): Client {
  const { protocol, options } = client as { protocol?: object; options?: object } & Client;
  for (const part of [client, protocol, options]) {
    if (part) concealed(part, () => 'a connection to NATS');
  }
  return client;
}
