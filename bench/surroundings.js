// @ts-check
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';

const PACKAGES = ['ioredis', 'bullmq', '@nestjs/core', '@nestjs/microservices', '@nestjs/bullmq'];
/** What the workloads of a server use, and how it is called in the list of versions. */
const SERVERS = /** @type {const} */ ([
  { server: 'postgres', label: 'postgresql', packages: ['pg', 'pg-boss'] },
  {
    server: 'nats',
    label: 'nats-server',
    packages: ['@nats-io/transport-node', '@nats-io/jetstream'],
  },
  { server: 'kafka', label: 'kafka', packages: ['kafkajs'] },
]);

/**
 * Where, when and with what it was measured.
 *
 * @param {string} root
 * @param {import('./stage.js').Stage} stage
 */
export async function surroundings(root, stage) {
  const redis = await stage.redis.info('server');
  const used = [];
  for (const { server, ...rest } of SERVERS) {
    const version = await stage.versionOf(server);
    if (version !== undefined) used.push({ version, ...rest });
  }
  const packages = [...PACKAGES, ...used.flatMap((one) => one.packages)];
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
      redis: /^redis_version:(\S+)/m.exec(redis)?.[1] ?? 'unknown',
      ...Object.fromEntries(used.map(({ label, version }) => [label, version])),
      ...Object.fromEntries(packages.map((name) => [name, versionOf(`node_modules/${name}`)])),
    },
  };
}
