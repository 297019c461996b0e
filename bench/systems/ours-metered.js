// @ts-check
import { RedisStreamsTransport } from 'nestjs-redis-streams';
import { consuming } from './ours.js';

/** With a listener that counts settlements and sums up durations, as metrics do. @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const app = await consuming(options, handle);
  /** @type {Map<string, Map<string, { count: number, duration: number }>>} by stream and outcome */
  const counters = new Map();
  app.get(RedisStreamsTransport).on('settled', ({ stream, outcome, duration }) => {
    let ofStream = counters.get(stream);
    if (!ofStream) counters.set(stream, (ofStream = new Map()));
    let counter = ofStream.get(outcome);
    if (!counter) ofStream.set(outcome, (counter = { count: 0, duration: 0 }));
    counter.count++;
    counter.duration += duration;
  });
  return () => app.close();
}
