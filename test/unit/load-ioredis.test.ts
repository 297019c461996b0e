import { afterEach, expect, it, vi } from 'vitest';
import { loadIoredis } from '../../lib/drivers/redis/connection/ioredis.js';

class Redis {}

afterEach(() => {
  vi.doUnmock('ioredis');
});

it.each([
  ['Node, which finds the names of a CommonJS module', { Redis, default: Redis }],
  // As webpack and ncc import a CommonJS module from an ES module.
  ['a bundler, which gives the default alone', { default: Object.assign(Redis, { Redis }) }],
])('the client is found as it is imported by %s', async (_, module) => {
  vi.doMock('ioredis', () => module);
  expect((await loadIoredis()).Redis).toBe(Redis);
});
