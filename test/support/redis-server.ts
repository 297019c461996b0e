/** Private servers for tests that stop, freeze or configure them. Others take `testRedis()`. */
export { type RedisServer, startRedis, type StartRedisOptions } from './redis-process.js';
