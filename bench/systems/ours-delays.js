// @ts-check
/** Publishes messages that are due later, each at its own time. */
import { StreamPublisher } from 'nestjs-redis-streams';
import { EVENT } from '../payload.js';
import { start } from './ours.js';

/**
 * @param {{ url: string, stream: string, from: number, apart: number }} options when the first one is
 * due, ms since the epoch, and how much later each following one is, ms
 * @returns {Promise<import('../types.js').Publisher>}
 */
export async function publisher({ url, stream, from, apart }) {
  const app = await start({ url }, []);
  const streamPublisher = app.get(StreamPublisher);
  const dueAt = (/** @type {import('../types.js').Payload} */ { n }) =>
    from + Math.floor(n * apart);
  return {
    publish: (payload) =>
      streamPublisher.publish(EVENT, payload, { stream, deliverAt: dueAt(payload) }),
    publishBatch: (payloads) =>
      streamPublisher.publishBatch(
        payloads.map((payload) => ({
          eventType: EVENT,
          payload,
          stream,
          deliverAt: dueAt(payload),
        })),
      ),
    close: () => app.close(),
  };
}
