// @ts-check
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

const PACKAGES = ['ioredis', 'bullmq', '@nestjs/core', '@nestjs/microservices', '@nestjs/bullmq'];

/**
 * Where, when and with what it was measured.
 *
 * @param {string} root
 * @param {import('ioredis').Redis} redis
 */
export async function surroundings(root, redis) {
  const server = await redis.info('server');
  const versionOf = (/** @type {string} */ folder) =>
    JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')).version;
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: cpus().length,
      memoryGb: Math.round(totalmem() / 2 ** 30),
      system: `${type()} ${release()}`,
    },
    versions: {
      'nestjs-redis-streams': versionOf('.'),
      node: process.versions.node,
      redis: /^redis_version:(\S+)/m.exec(server)?.[1] ?? 'unknown',
      ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(`node_modules/${name}`)])),
    },
  };
}
