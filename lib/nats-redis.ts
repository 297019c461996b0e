export { natsRedis, type NatsRedisOptions } from './runtime/nats-redis.preset.js';
export type { NatsClient, NatsStreamOptions } from './drivers/nats/connection/nats.options.js';
export type { RedisClient } from './drivers/redis/connection/redis.options.js';
