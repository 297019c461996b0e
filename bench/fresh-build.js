// @ts-check
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Builds the library where that is not done yet, or older than a source. @param {string} root */
export function freshBuild(root) {
  const built = join(root, 'dist/index.js');
  const lib = join(root, 'lib');
  const sources = readdirSync(lib, { recursive: true }).map((name) => join(lib, String(name)));
  sources.push(join(root, 'tsconfig.json'), join(root, 'tsconfig.build.json'));
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  if (existsSync(built) && statSync(built).mtimeMs >= newest) return;
  console.error('Building the library');
  const { status } = spawnSync('npm', ['run', '--silent', 'build'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('The library cannot be built');
}
