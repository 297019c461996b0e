import 'reflect-metadata';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from 'nestjs-redis-streams/config';
import { file } from '../file-driver/src/index.js';
import { runOn } from './run-on.js';

const backends = fileURLToPath(new URL('../../05-one-app-any-backend/backends/', import.meta.url));
const hasRedis = process.env['STREAMS_DRIVER'] !== 'memory';
const hasPostgres = process.env['DATABASE_URL'] !== undefined;
const hasNats = process.env['NATS_URL'] !== undefined;
const hasKafka = process.env['KAFKA_BROKERS'] !== undefined;
const names = process.argv.slice(2);
const all = [
  'memory',
  'file',
  ...(hasRedis ? ['redis', 'redis-memory'] : []),
  ...(hasPostgres ? ['postgres'] : []),
  ...(hasRedis && hasPostgres ? ['redis-postgres'] : []),
  ...(hasNats ? ['nats'] : []),
  ...(hasNats && hasRedis ? ['nats-redis'] : []),
  ...(hasKafka ? ['kafka'] : []),
  ...(hasKafka && hasPostgres ? ['kafka-postgres'] : []),
];
const chosen = names.length > 0 ? names : all;

const directory = (process.env['ORDERS_DIRECTORY'] ??= mkdtempSync(join(tmpdir(), 'orders-')));
const results = new Map<string, string>();
try {
  for (const name of chosen) {
    const options = loadConfig(join(backends, `${name}.yaml`), 'order-processor', {
      drivers: { file },
    });
    const result = Object.entries(await runOn(options)).map(([what, count]) => `${what} ${count}`);
    results.set(name, result.join(', '));
    console.log(`${name}.yaml: ${results.get(name)}`);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

const same = new Set(results.values()).size === 1;
console.log(
  same
    ? `The same counts on ${results.size} backends`
    : 'The counts differ: a backend does not keep the rules',
);
process.exitCode = same ? 0 : 1;
