// @ts-check
/** What waits in a JetStream stream, as the library writes it. */
import { payloadMaker } from '../payload.js';

/** Acknowledging leaves the messages where they are. */
export const stays = true;

const AT_ONCE = 1000;

/** @typedef {{ url: string, manager: import('@nats-io/jetstream').JetStreamManager }} Nats */

/** @param {Nats} nats @param {{ streams: readonly string[], total: number, size: number }} wanted */
export async function fill({ url }, { streams: [stream = ''], total, size }) {
  // Loaded late: the library may be built when the bench begins.
  const { publisher } = await import('../systems/ours-nats.js');
  const ours = await publisher({ url, stream });
  const make = payloadMaker(size);
  try {
    for (let from = 0; from < total; from += AT_ONCE) {
      const length = Math.min(AT_ONCE, total - from);
      await ours.publishBatch?.(Array.from({ length }, (_, n) => make(from + n)));
    }
  } finally {
    await ours.close();
  }
}

/** @param {Nats} nats @param {{ streams: readonly string[], groups: readonly string[] }} where */
export async function unsettled({ manager }, { streams: [stream = ''], groups: [group = ''] }) {
  const { num_pending, num_ack_pending } = await manager.consumers.info(stream, group);
  return num_pending + num_ack_pending;
}

/** @param {Nats} nats @param {{ streams: readonly string[], groups: readonly string[] }} where */
export async function forgetGroups({ manager }, { streams: [stream = ''], groups: [group = ''] }) {
  await manager.consumers.delete(stream, group);
}

/**
 * How many messages were published, each of them once.
 *
 * @param {Nats} nats
 * @param {{ stream: string, total: number }} where
 */
export async function published({ manager }, { stream, total }) {
  const seen = new Uint8Array(total);
  const consumer = await manager.jetstream().consumers.get(stream);
  const { state } = await manager.streams.info(stream);
  let left = state.messages;
  const messages = await consumer.consume({ max_messages: AT_ONCE });
  for await (const message of messages) {
    const { n } = /** @type {import('../types.js').Payload} */ (message.json());
    if (seen[n] === 1) throw new Error(`Message ${n} was published twice`);
    seen[n] = 1;
    if (--left === 0) break;
  }
  await messages.close();
  return state.messages;
}
