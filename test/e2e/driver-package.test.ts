import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packPackage } from '../support/packed-package.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const execute = promisify(execFile);

/** A driver of another package, in a folder of its own, with this library as npm would install it. */
describe('the package in sample/file-driver', () => {
  let dir: string;

  const run = (command: string, ...args: string[]) => {
    // Set by vitest; with it node:test would print for another process.
    const { NODE_TEST_CONTEXT: _, ...given } = process.env;
    const env = { ...given, NODE_OPTIONS: '--test-reporter=tap' };
    return execute(command, args, { cwd: dir, env, maxBuffer: 1e8 }).catch(
      ({ stdout, stderr }: { stdout: string; stderr: string }) => expect.fail(stdout + stderr),
    );
  };

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'streams-driver-'));
    for (const name of ['src', 'test', 'README.md', 'package.json', 'tsconfig.build.json']) {
      await cp(join(root, 'sample/file-driver', name), join(dir, name), { recursive: true });
    }
    const { tarball } = await packPackage(dir);
    await takeFrom(tarball);
    await run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts');
  }, 180_000);

  afterAll(() => rm(dir, { recursive: true, force: true }));

  /** The library comes from the packed file in place of the registry.. */
  async function takeFrom(tarball: string): Promise<void> {
    const file = join(dir, 'package.json');
    const manifest = JSON.parse(await readFile(file, 'utf8')) as Manifest;
    expect(Object.keys(manifest.peerDependencies)).toEqual(['nestjs-redis-streams']);
    manifest.devDependencies['nestjs-redis-streams'] = `file:${tarball}`;
    await writeFile(file, JSON.stringify(manifest));
  }

  it('compiles, and passes its tests under node:test', { timeout: 180_000 }, async () => {
    const { stdout } = await run('npm', 'test');
    const count = (word: string) => Number(new RegExp(`^# ${word} (\\d+)`, 'm').exec(stdout)?.[1]);
    expect(count('fail')).toBe(0);
    expect(count('pass')).toBeGreaterThan(200);
    expect(count('skipped')).toBeGreaterThan(0);
    expect(stdout).toContain('# SKIP file does not redeliver on its own');
  });

  it('holds the build and its page', async () => {
    const { stdout } = await run('npm', 'pack', '--json', '--dry-run', '--ignore-scripts');
    const [packed] = JSON.parse(stdout) as [{ files: { path: string }[] }];
    const files = packed.files.map(({ path }) => path);
    expect(files).toContain('dist/src/index.js');
    expect(files).toContain('dist/src/index.d.ts');
    expect(files.filter((path) => !path.startsWith('dist/src/'))).toEqual([
      'README.md',
      'package.json',
    ]);
  });
});

interface Manifest {
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Record<string, string>;
}
