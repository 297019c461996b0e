import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

export interface PackedPackage {
  /** Path of the file that npm would upload. */
  readonly tarball: string;
  /** What is in it, as paths from the top of the package. */
  readonly files: readonly string[];
}

/** Packs what users get into a folder. The test command has built it before. */
export async function packPackage(dir: string): Promise<PackedPackage> {
  if (!existsSync(join(root, 'dist/index.js'))) throw new Error('Run "npm run build" first.');
  const flags = ['--json', '--ignore-scripts', '--pack-destination', dir];
  const { stdout } = await run('npm', ['pack', ...flags], { cwd: root });
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  return { tarball: join(dir, packed.filename), files: packed.files.map((file) => file.path) };
}
