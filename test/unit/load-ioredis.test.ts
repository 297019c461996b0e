import type * as ioredis from 'ioredis';
import { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { loadIoredis } from '../../lib/drivers/redis/connection/ioredis.js';

it.each([
  ['Node, which finds the names of a CommonJS module', { Redis, default: Redis }],
  // As webpack and ncc import a CommonJS module from an ES module.
  ['a bundler, which gives the default alone', { default: Redis }],
])('the client is found as it is imported by %s', async (_, module) => {
  const { Redis: found } = await loadIoredis(async () => module as unknown as typeof ioredis);
  expect(found).toBe(Redis);
});

it.each([
  ['Node', 'ERR_MODULE_NOT_FOUND', "Cannot find package 'ioredis' imported from /app/main.mjs"],
  ['a CommonJS bundle', 'MODULE_NOT_FOUND', "Cannot find module 'ioredis'"],
])('the missing client is named as it is missed by %s', async (_, code, message) => {
  const missing = async () => {
    throw Object.assign(new Error(message), { code });
  };
  await expect(loadIoredis(missing)).rejects.toMatchObject({ code: 'MISSING_PACKAGE' });
});

it('an error of the client itself is not taken for a missing package', async () => {
  const error = Object.assign(new Error("Cannot find module 'denque'"), {
    code: 'MODULE_NOT_FOUND',
  });
  const broken = async () => {
    throw error;
  };
  await expect(loadIoredis(broken)).rejects.toBe(error);
});
