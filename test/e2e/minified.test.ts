import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown, type Plugin } from 'rolldown';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

interface Said {
  /** The names of the two controllers, as the minifier has left them. */
  readonly controllers: readonly [string, string];
  readonly runs: readonly string[];
  readonly outcomes: readonly string[];
  /** By the name in the sources: the name in the bundle, and whether its token gives it. */
  readonly tokens: Readonly<Record<string, { readonly minified: string; readonly right: boolean }>>;
}

/** A class of the library that Nest provides, or that has decorators. */
const SERVICE = /static readonly token|^ *@Module\(/m;

/**
 * Compiles the application, and the services of the library from their sources, to CommonJS. A bundler
 * wraps each such module in a function, and a minifier gives names anew in each function: classes of
 * different modules get the same name. The bundler compiles the rest of the library.
 */
const asCommonJs: Plugin = {
  name: 'as-common-js',
  resolveId(id, importer) {
    if (id === 'nestjs-redis-streams') return join(root, 'lib/index.ts');
    if (id === 'nestjs-redis-streams/memory') return join(root, 'lib/drivers/memory/index.ts');
    if (!id.startsWith('.') || !importer) return undefined;
    return join(importer, '..', id.replace(/\.js$/, '.ts'));
  },
  load(id) {
    if (!id.endsWith('.ts')) return undefined;
    const source = readFileSync(id, 'utf8');
    if (id.startsWith(join(root, 'lib/')) && !SERVICE.test(source)) return undefined;
    const { outputText } = ts.transpileModule(source, {
      fileName: id,
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.CommonJS,
        experimentalDecorators: true,
        emitDecoratorMetadata: true,
        useDefineForClassFields: false,
      },
    });
    return { code: outputText, moduleType: 'js' };
  },
};

/** Bundles an application with the library, minified, runs it, and answers what it says. */
async function runMinified(dir: string): Promise<Said> {
  const bundle = await rolldown({
    input: join(root, 'test/e2e/support/minified/main.ts'),
    platform: 'node',
    external: (id) => !id.startsWith('.') && !id.startsWith('/') && !id.startsWith('nestjs-redis'),
    plugins: [asCommonJs],
    tsconfig: false,
    transform: { typescript: { removeClassFieldsWithoutInitializer: true } },
    checks: { pluginTimings: false },
  });
  await bundle.write({ file: join(dir, 'app.cjs'), format: 'cjs', minify: true });
  await bundle.close();
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  const { stdout } = await run(process.execPath, ['app.cjs'], { cwd: dir });
  return JSON.parse(stdout) as Said;
}

describe('an application that is bundled and minified', () => {
  let dir: string;
  let said: Said;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streams-minified-'));
    said = await runMinified(dir);
  }, 60_000);
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it('keeps apart what two classes of one name have handled', () => {
    const [paid, shipped] = said.controllers;
    expect(paid).toBe(shipped);
    expect(paid).not.toBe('EventsController');
    expect(said.runs).toEqual(['paid', 'shipped']);
    expect(said.outcomes).toEqual(['handled', 'handled', 'duplicate', 'duplicate']);
  });

  it('gets the service that it asks for by its token, though services have the same name', () => {
    const services = Object.entries(said.tokens);
    const names = services.map(([, { minified }]) => minified);
    expect(new Set(names).size).toBeLessThan(names.length);
    const wrong = services.flatMap(([name, { right }]) => (right ? [] : [name]));
    expect(wrong).toEqual([]);
  });
});
