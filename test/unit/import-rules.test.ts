import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImports } from '../support/check-imports.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'streams-imports-'));
});

afterEach(() => rm(root, { recursive: true, force: true }));

/** Problems of a tree with these files. */
async function check(files: Record<string, string>): Promise<string[]> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return checkImports(root);
}

describe('the import rules', () => {
  it('pass a tree that keeps them', async () => {
    const problems = await check({
      'lib/index.ts': `export { Transport } from './nest/transport.js';`,
      'lib/nest/transport.ts': `import { Server } from '@nestjs/microservices';
        import { map } from 'rxjs/operators';
        import { Runtime } from '../runtime/streams-runtime.js';`,
      'lib/runtime/streams-runtime.ts': `import { redis } from '../drivers/redis/index.js';
        import { Consumer } from '../consuming/consumer.js';`,
      'lib/drivers/redis/index.ts': `import { Redis } from 'ioredis';
        import type { Driver } from '../../ports/driver.js';`,
      'lib/consuming/consumer.ts': `import { slots } from './plan/slots.js';
        import type { Driver } from '../ports/driver.js';`,
      'lib/consuming/plan/slots.ts': `import { once } from 'node:events';`,
      'lib/ports/driver.ts': `export interface Driver {}`,
    });
    expect(problems).toEqual([]);
  });

  it.each([
    ['an engine that imports a driver', 'consuming/a', '../drivers/redis/keys.js'],
    ['an engine that imports another engine', 'delays/a', '../consuming/consumer.js'],
    ['an engine that imports Nest', 'admin/a', '@nestjs/common'],
    ['an engine that imports the shell', 'admin/a', '../nest/module.js'],
    ['a driver that imports an engine', 'drivers/redis/a', '../../consuming/consumer.js'],
    ['a driver that imports another driver', 'drivers/memory/a', '../redis/keys.js'],
    [
      'PostgreSQL where it imports ids of other drivers',
      'drivers/postgres/a',
      '../entry-ids/id.js',
    ],
    ['pg outside its driver', 'runtime/a', 'pg'],
    ['a driver that imports the shell', 'drivers/memory/index', '../../nest/module.js'],
    [
      'a driver that imports the runtime',
      'drivers/memory/index',
      '../../runtime/streams-runtime.js',
    ],
    ['a door of drivers that imports an engine', 'driver', './workflows/a.js'],
    ['a door that is imported', 'nest/a', '../core.js'],
    ['ioredis outside its driver', 'nest/a', 'ioredis'],
    ['rxjs outside the shell', 'runtime/a', 'rxjs'],
    ['core that imports anything', 'core/a', '../options/options.js'],
    ['core that imports a package', 'core/a', 'reflect-metadata'],
    ['options that import the runtime', 'options/a', '../runtime/a.js'],
    ['the runtime that imports the shell', 'runtime/a', '../nest/module.js'],
    ['a file outside lib', 'core/a', '../../test/support/redis.js'],
    ['the package by its own name', 'nest/a', 'nestjs-redis-streams'],
  ])('refuse %s', async (_, file, target) => {
    const problems = await check({ [`lib/${file}.ts`]: `import { x } from '${target}';` });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`lib/${file}.ts: must not import`);
  });

  it.each([
    ['export *', `export * from '../nest/a.js';`],
    ['a type-only import', `import type { A } from '../nest/a.js';`],
    ['a dynamic import', `const a = () => import('../nest/a.js');`],
    ['an import in a type', `let a: import('../nest/a.js').A;`],
  ])('see %s', async (_, text) => {
    const problems = await check({ 'lib/core/a.ts': text });
    expect(problems).toEqual([
      'lib/core/a.ts: must not import lib/nest/a.ts; core may import nothing but node',
    ]);
  });

  it('let the door of drivers name types of the shell and of engines', async () => {
    const problems = await check({
      'lib/driver.ts': `export type {\n  A,\n  B,\n} from './admin/a.js';\nexport type { C } from './nest/c.js';`,
    });
    expect(problems).toEqual([]);
  });

  it.each([`export { A } from './nest/a.js';`, `export { type A, b } from './nest/a.js';`])(
    'refuse a door of drivers that loads the shell: %s',
    async (text) => {
      const problems = await check({ 'lib/driver.ts': text });
      expect(problems).toEqual([
        'lib/driver.ts: must not import lib/nest/a.ts; write export type { … }',
      ]);
    },
  );

  it('refuse a way to Redis from the doors of applications without it', async () => {
    const problems = await check({
      'lib/core.ts': `export { A } from './nest/a.js';`,
      'lib/nest/a.ts': `import { b } from '../runtime/b.js';`,
      'lib/runtime/b.ts': `import { redis } from '../drivers/redis/c.js';`,
      'lib/drivers/redis/c.ts': '',
    });
    expect(problems).toEqual([
      'lib/core.ts -> lib/nest/a.ts -> lib/runtime/b.ts -> lib/drivers/redis/c.ts: lib/core.ts must not lead to Redis',
    ]);
  });

  it('refuse a way to PostgreSQL from the root door', async () => {
    const problems = await check({
      'lib/index.ts': `export { a } from './drivers/postgres/a.js';`,
      'lib/drivers/postgres/a.ts': `import { Pool } from 'pg';`,
    });
    expect(problems).toContain(
      'lib/index.ts -> lib/drivers/postgres/a.ts: lib/index.ts must not lead to PostgreSQL',
    );
  });

  it('refuse a layer that is not in the table', async () => {
    const problems = await check({ 'lib/drivers/rabbit/a.ts': '' });
    expect(problems[0]).toContain('"drivers/rabbit" is no layer');
  });
});

describe('cycles', () => {
  it('are refused, with the way round', async () => {
    const problems = await check({
      'lib/core/a.ts': `import { b } from './b.js';`,
      'lib/core/b.ts': `export * from './c.js';`,
      'lib/core/c.ts': `import { a } from './a.js';`,
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(
      'lib/core/a.ts -> lib/core/b.ts -> lib/core/c.ts -> lib/core/a.ts',
    );
  });

  it('are refused among types too', async () => {
    const problems = await check({
      'lib/core/a.ts': `import type { B } from './b.js';`,
      'lib/core/b.ts': `import type { A } from './a.js';`,
    });
    expect(problems).toHaveLength(1);
  });
});

describe('cycles between folders', () => {
  it('are refused although no file imports itself, with the folders and the imports', async () => {
    const problems = await check({
      'lib/core/codecs/a.ts': `import { b } from '../errors/b.js';`,
      'lib/core/errors/b.ts': '',
      'lib/core/errors/c.ts': `import type { D } from '../codecs/d.js';`,
      'lib/core/codecs/d.ts': '',
    });
    expect(problems).toEqual([
      'lib/core/codecs -> lib/core/errors -> lib/core/codecs: folders import each other in a circle (types count too): ' +
        'lib/core/codecs/a.ts imports lib/core/errors/b.ts; lib/core/errors/c.ts imports lib/core/codecs/d.ts',
    ]);
  });

  it('are refused over three folders', async () => {
    const problems = await check({
      'lib/admin/a.ts': `import { b } from './lag/b.js';`,
      'lib/admin/lag/b.ts': `import { c } from '../groups/c.js';`,
      'lib/admin/groups/c.ts': `import { d } from '../d.js';`,
      'lib/admin/d.ts': '',
    });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(
      'lib/admin -> lib/admin/lag -> lib/admin/groups -> lib/admin: folders',
    );
  });

  it('count a folder and a folder inside it as two', async () => {
    const problems = await check({
      'lib/core/a.ts': `import { b } from './codecs/b.js';`,
      'lib/core/codecs/b.ts': '',
      'lib/core/codecs/c.ts': `import { d } from '../d.js';`,
      'lib/core/d.ts': '',
    });
    expect(problems).toHaveLength(1);
  });

  it('are not seen in imports that go one way', async () => {
    const problems = await check({
      'lib/core/a.ts': `import { b } from './codecs/b.js';`,
      'lib/core/codecs/b.ts': `import { c } from '../errors/c.js';`,
      'lib/core/errors/c.ts': '',
    });
    expect(problems).toEqual([]);
  });
});

it.each(['lib/core/utils.ts', 'lib/common/a.ts', 'test/support/redis.helper.ts'])(
  'a name that says nothing is refused: %s',
  async (file) => {
    const problems = await check({ [file]: '' });
    expect(problems.join()).toContain('name it for what it does');
  },
);

it.each([
  ['const now = Date.now();', true],
  ['const now = new Date();', true],
  ['const read = Date.now;', true],
  ['const text = new Date(0).toISOString();', false],
  ['const now = clock.now();', false],
])('times of day come from the clock alone: %s', async (text, refused) => {
  const problems = await check({ 'lib/core/a.ts': text, 'lib/core/clock.ts': text });
  expect(problems).toHaveLength(refused ? 1 : 0);
  for (const problem of problems) expect(problem).toContain('lib/core/a.ts: must not read');
});
