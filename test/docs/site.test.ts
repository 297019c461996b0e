import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = (file: string): string => join(root, 'node_modules', file);

it('the code of the pages compiles as in a strict application', async () => {
  // Against dist/, as in an application: the test command builds it first.
  const tsc = run(process.execPath, [bin('typescript/bin/tsc'), '-p', join(root, 'sample/docs')]);
  const said = await tsc.then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
  expect(said).toBe('');
}, 180_000);

it('the site is built, with an index of all pages and a search', async () => {
  const out = await mkdtemp(join(tmpdir(), 'docs-site-'));
  const vitepress = [bin('vitepress/bin/vitepress.js'), 'build', 'docs', '--outDir', out];
  try {
    await run(process.execPath, vitepress, { cwd: root });
    const page = await readFile(join(out, 'guarantees.html'), 'utf8');
    for (const link of ['/options', '/errors', '/delays']) expect(page).toContain(`href="${link}"`);
    expect(page).toContain('VPNavBarSearch');
  } finally {
    await rm(out, { recursive: true });
  }
}, 180_000);
