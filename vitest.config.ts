import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

/** One project for each folder of test/, so that `--project unit` picks one. */
const project = (name: string, options: { groupOrder: number; maxWorkers: number }) => ({
  extends: true as const,
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    maxWorkers: options.maxWorkers,
    sequence: { groupOrder: options.groupOrder },
  },
});

/** These wait for servers more than they compute: more files at a time than a small machine has cores. */
const shared = { groupOrder: 0, maxWorkers: 4 };

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-redis-streams$/, replacement: path('./lib/index.ts') },
      { find: /^nestjs-redis-streams\/memory$/, replacement: path('./lib/drivers/memory/index.ts') },
    ],
  },
  test: {
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 30_000,
    coverage: { provider: 'v8', include: ['lib/**/*.ts'] },
    projects: [
      project('unit', shared),
      project('contracts', shared),
      project('integration', shared),
      project('e2e', shared),
      // After all others: these measure recovery times and kill processes under load.
      project('faults', { groupOrder: 1, maxWorkers: 2 }),
    ],
  },
});
