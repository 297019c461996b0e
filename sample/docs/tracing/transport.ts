import { RedisStreamsTransport } from 'nestjs-redis-streams';
import { streamsTracing } from 'nestjs-redis-streams/tracing';

export const transport = new RedisStreamsTransport({
  url: 'redis://localhost:6379',
  group: 'shop',
  instrumentation: streamsTracing({ ownTrace: true }),
});
