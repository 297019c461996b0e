import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGES = ['@nestjs', 'ioredis', 'reflect-metadata', 'rxjs'];

/**
 * Compiles `sample/docs/<page>` into `dist/` of a folder, as an application of its own, beside the
 * packages that it needs. `npm run build` has to be done before.
 */
export function compileSample(page: string, folder: string): Promise<void> {
  return compileFolder(`sample/docs/${page}`, folder);
}

/** As {@link compileSample}, with a folder of this repository that has TypeScript files. */
export async function compileFolder(from: string, folder: string): Promise<void> {
  const sample = join(root, from);
  for (const made of ['dist', 'node_modules']) await mkdir(join(folder, made));
  for (const name of PACKAGES) {
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  await symlink(root, join(folder, 'node_modules/nestjs-redis-streams'));
  const scripts = { start: 'node dist/main.js' };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', scripts }));
  for (const file of (await readdir(sample)).filter((name) => name.endsWith('.ts'))) {
    const compiled = compile(await readFile(join(sample, file), 'utf8'));
    await writeFile(join(folder, 'dist', file.replace('.ts', '.js')), compiled);
  }
}

function compile(source: string): string {
  const target = ts.ScriptTarget.ES2023;
  const decorators = { experimentalDecorators: true, emitDecoratorMetadata: true };
  const compilerOptions = { target, module: ts.ModuleKind.ESNext, ...decorators };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}
