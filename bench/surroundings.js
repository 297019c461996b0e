// @ts-check
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

const PACKAGES = ['ioredis', 'bullmq', '@nestjs/core', '@nestjs/microservices', '@nestjs/bullmq'];
const OF_POSTGRES = ['pg', 'pg-boss'];
const OF_NATS = ['@nats-io/transport-node', '@nats-io/jetstream'];

/**
 * Where, when and with what it was measured.
 *
 * @param {string} root
 * @param {import('./stage.js').Stage} stage
 */
export async function surroundings(root, stage) {
  const server = await stage.redis.info('server');
  const postgres = await stage.postgresVersion();
  const nats = await stage.natsVersion();
  const packages = [...PACKAGES, ...(postgres ? OF_POSTGRES : []), ...(nats ? OF_NATS : [])];
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
      ...(postgres && { postgresql: postgres }),
      ...(nats && { 'nats-server': nats }),
      ...Object.fromEntries(packages.map((name) => [name, versionOf(`node_modules/${name}`)])),
    },
  };
}
