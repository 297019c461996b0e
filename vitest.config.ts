import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { otherServers } from './test/support/redis-servers.js';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** Runs a contract suite against a driver, wherever it stands. */
const CONTRACT = 'test/**/*.contract.test.ts';
/** The tests of a driver that is a package of its own. */
const PACKAGE = 'sample/file-driver/test/*.test.ts';

/** `npm run test:faults` runs all that stands here, contract suites included, and `npm test` nothing. */
const FAULTS = 'test/faults/**/*.test.ts';

/** One project for each kind of test, so that `--project unit` picks one. */
const project = (name: string, options: { groupOrder: number; maxWorkers: number }) => ({
  extends: true as const,
  test: {
    name,
    // Files of unit tests share the modules that they import, which takes half of their time.
    isolate: name !== 'unit',
    include: name === 'contracts' ? [CONTRACT, PACKAGE] : [`test/${name}/**/*.test.ts`],
    exclude: name === 'faults' ? [] : [name === 'contracts' ? FAULTS : CONTRACT],
    maxWorkers: options.maxWorkers,
    sequence: { groupOrder: options.groupOrder },
  },
});

/** These wait for servers more than they compute: more files at a time than a small machine has cores. */
const shared = { groupOrder: 0, maxWorkers: 4 };

/** One Kafka broker for all test files of a run, started when the first of them asks. */
const KAFKA = path('./test/support/kafka-shared.js');

/** The contract suites of Redis, once more for each server that REDIS_SERVERS names. */
const contractsOfServers = otherServers().found.map(({ path: binary, kind, version }, index) => ({
  extends: true as const,
  test: {
    name: `contracts-${index + 1}-${kind.toLowerCase()}-${version}`,
    include: [
      'test/integration/redis.contract.test.ts',
      'test/integration/redis-state-workflows.contract.test.ts',
    ],
    env: { REDIS_BINARY: binary },
    maxWorkers: shared.maxWorkers,
    sequence: { groupOrder: shared.groupOrder },
  },
}));

export default defineConfig({
  resolve: {
    alias: [
      { find: '@jest/globals', replacement: path('./test/support/jest-globals.ts') },
      { find: 'node:test', replacement: path('./test/support/node-test.ts') },
      { find: /^nestjs-redis-streams$/, replacement: path('./lib/index.ts') },
      {
        find: /^nestjs-redis-streams\/(core|driver|testing|config|health|kafka|kafka-postgres|metrics|nats|nats-redis|postgres|tracing)$/,
        replacement: path('./lib/$1.ts'),
      },
      {
        find: /^nestjs-redis-streams\/memory$/,
        replacement: path('./lib/drivers/memory/index.ts'),
      },
      {
        find: 'nestjs-redis-streams-file',
        replacement: path('./sample/file-driver/src/index.ts'),
      },
    ],
  },
  test: {
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 30_000,
    globalSetup: KAFKA,
    coverage: { provider: 'v8', include: ['lib/**/*.ts'] },
    projects: [
      project('unit', shared),
      project('contracts', shared),
      ...contractsOfServers,
      project('integration', shared),
      // By themselves: these install packages and compile, and leave little for others.
      project('e2e', { groupOrder: 1, maxWorkers: 4 }),
      // These check the pages of docs/, and run what they show.
      project('docs', { groupOrder: 1, maxWorkers: 4 }),
      // These kill processes under load, start clusters, and measure how long recovery takes.
      project('faults', { groupOrder: 2, maxWorkers: 2 }),
    ],
  },
});
