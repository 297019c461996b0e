/** Private servers for tests that stop, freeze or configure them. Others take `testNats()`. */
export { type NatsServer, startNats, type StartNatsOptions } from './nats-process.js';
