// @ts-check
/**
 * The client of NATS as its documentation shows it: the iterator of `consume()`, whose messages are
 * handled one after the other and acknowledged in turn, and `js.publish()`. No retries with waits, no
 * dead letters, no graceful end, and nothing keeps a message that runs for long from being delivered
 * again.
 */
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { EVENT } from '../payload.js';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams, groups }, handle) {
  const [stream = '', group = ''] = [streams[0], groups[0]];
  const connection = await connect({ servers: url });
  const manager = await withStream(connection, stream);
  await manager.consumers.add(stream, {
    durable_name: group,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: -1,
  });
  const consumer = await jetstream(connection).consumers.get(stream, group);
  const messages = await consumer.consume();

  async function loop() {
    for await (const message of messages) {
      await handle(message.json(), 0);
      message.ack();
    }
  }

  const looping = loop();
  return async () => {
    await messages.close();
    await looping;
    await connection.drain();
  };
}

/** Messages as the library writes them. @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const connection = await connect({ servers: url });
  await withStream(connection, stream);
  const js = jetstream(connection);

  /** @param {import('../types.js').Payload} payload */
  function publish(payload) {
    const event = headers();
    event.set('event_type', EVENT);
    return js.publish(stream, JSON.stringify(payload), { headers: event });
  }

  return {
    publish,
    publishBatch: (payloads) => Promise.all(payloads.map(publish)),
    close: () => connection.drain(),
  };
}

/** Makes the stream where there is none. @param {import('@nats-io/transport-node').NatsConnection} connection @param {string} stream */
async function withStream(connection, stream) {
  const manager = await jetstreamManager(connection);
  await manager.streams
    .info(stream)
    .catch(() => manager.streams.add({ name: stream, subjects: [stream] }));
  return manager;
}
